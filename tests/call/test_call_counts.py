"""What a call counts: turns, stops that were right or not, and how its providers answer."""

import math

import pytest

from call.doubles import LONG, Conversation, conversation, speaking
from call.mind import failing_mind
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Say

__all__ = ["conversation"]
ERRORS = "interject_provider_errors_total"
FIRST_CHUNKS = "interject_provider_first_chunk_seconds_count"
SUSPECTED = "interject_suspected_false_stops_total"
LOCKED = {"reason": "speech_over_echo", "echo": "locked"}
REQUESTS = "interject_provider_requests_total"
TURNS = "interject_turns_total"


async def interrupted(conversation: Conversation, *texts: str) -> Conversation:
    """The bot is cut, and `texts` is what is recognized from then on."""
    await speaking(conversation)
    conversation.recognizer.texts = list(texts)
    await conversation.speak()
    assert conversation.now_is(TurnState.INTERRUPTED)
    return conversation


async def test_a_stop_for_words_is_not_suspected(conversation: Conversation) -> None:
    await interrupted(conversation, "stop it")
    await conversation.be_silent()
    assert conversation.counted("interject_stops_total", **LOCKED) == 1
    assert conversation.counted(SUSPECTED, **LOCKED) == 0
    assert conversation.counted(TURNS, made_of="speech") == 2


async def test_a_stop_after_which_nothing_is_recognized_is_suspected_once(
    conversation: Conversation,
) -> None:
    await interrupted(conversation, "", "")
    await conversation.be_silent()
    await conversation.listen()
    assert conversation.counted(SUSPECTED, **LOCKED) == 1
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.counted(SUSPECTED, **LOCKED) == 1
    assert conversation.counted(TURNS, made_of="silence") == 2


async def test_a_stop_is_judged_by_the_whole_turn(conversation: Conversation) -> None:
    await interrupted(conversation, "", "wait a moment")
    conversation.recognizer.utterances[-1].text = None  # still at it when the caller goes on
    await conversation.be_silent()
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.counted(TURNS, made_of="speech") == 2
    assert conversation.counted(SUSPECTED, **LOCKED) == 0


async def test_a_key_is_never_a_false_stop(conversation: Conversation) -> None:
    await speaking(conversation)
    conversation.call.digit("#")
    await conversation.be_silent()
    assert conversation.counted("interject_stops_total", reason="dtmf", echo="locked") == 1
    assert not conversation.counted(SUSPECTED, reason="dtmf", echo="locked")


async def test_stops_on_a_line_whose_echo_is_not_known_are_told_apart(
    conversation: Conversation,
) -> None:
    conversation.delay_ms = math.nan
    await interrupted(conversation, "")
    await conversation.be_silent()
    unknown = {"reason": "speech_over_echo", "echo": "unknown"}
    assert conversation.counted(SUSPECTED, **unknown) == 1
    assert conversation.counted(SUSPECTED, **LOCKED) == 0


PROVIDERS = {"stt": "double", "llm": "mind", "tts": "double"}


async def test_providers_are_timed_to_their_first_result(conversation: Conversation) -> None:
    await interrupted(conversation, "stop it")
    await conversation.be_silent()
    await conversation.listen()
    for kind, answers in (("stt", 2), ("llm", 3), ("tts", 3)):
        of = {"kind": kind, "provider": PROVIDERS[kind]}
        assert conversation.counted(REQUESTS, **of) == answers
        assert conversation.counted(FIRST_CHUNKS, **of) == answers
        assert conversation.counted(ERRORS, **of) == 0


@pytest.mark.parametrize("kind", ["stt", "llm", "tts"])
async def test_providers_that_fail_are_counted_by_kind(
    conversation: Conversation, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    match kind:
        case "stt":
            conversation.recognizer.texts = [RuntimeError("deaf")]
        case "llm":
            conversation.mind.answers = [failing_mind]
        case "tts":
            conversation.mind.answers = [[Say(LONG)]]
            conversation.voice.failing = {LONG}
    await conversation.begin()
    await conversation.listen()
    await conversation.speak()
    await conversation.be_silent()
    errors = {
        each: conversation.counted(ERRORS, kind=each, provider=provider)
        for each, provider in PROVIDERS.items()
    }
    # What the voice raises comes to light in the dialogue's turn, and is the voice's alone.
    assert errors == {"stt": 0, "llm": 0, "tts": 0} | {kind: 1}
    assert conversation.counted(FIRST_CHUNKS, kind="llm", provider="mind") == (
        2 if kind == "tts" else 1
    )
