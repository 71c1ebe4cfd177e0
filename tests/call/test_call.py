"""One call, tick by tick: who has the turn, what is heard, what the dialogue learns."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from call.doubles import (
    LONG,
    Conversation,
    conversation,  # noqa: F401 - a fixture
    fades_out,
    listening,
    loud,
    others,
    settle,
    speaking,
)
from call.mind import hang
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Act, Say
from media_pod.dialogues.turn_taking.end_of_turn import SilenceSettings
from media_pod.duplex.contract import Decision


async def test_the_bot_greets_and_then_listens(conversation: Conversation) -> None:
    await conversation.begin()
    assert conversation.now_is(TurnState.GREETING)

    audio = await conversation.listen()

    assert loud(audio) == 2
    assert conversation.now_is(TurnState.LISTENING)
    assert [entry.heard for entry in conversation.call.transcript.entries] == ["Hello there"]


async def test_the_caller_is_answered(conversation: Conversation) -> None:
    conversation.recognizer.texts = ["what time is it"]
    conversation.mind.answers = [[Say("Half past nine")]]
    await listening(conversation)

    await conversation.speak()
    await conversation.be_silent()
    audio = await conversation.listen()

    assert loud(audio) == 3
    assert [turn.text for turn in conversation.mind.turns] == ["what time is it"]
    assert [entry.heard for entry in conversation.call.transcript.entries] == [
        "Hello there",
        "what time is it",
        "Half past nine",
    ]
    assert not conversation.mind.cuts


async def test_after_an_interruption_the_bot_is_silent_within_a_frame(
    conversation: Conversation,
) -> None:
    await speaking(conversation)
    assert conversation.step(Decision.ONSET, 0.8).any()
    assert conversation.step(Decision.CALLER, 0.9).any()

    assert fades_out(conversation.step(Decision.CALLER, 0.9))
    assert not conversation.step(Decision.CALLER, 0.9).any()

    assert conversation.now_is(TurnState.INTERRUPTED)
    assert conversation.counted("interject_barge_in_stop_seconds_sum") == 0.04


async def test_the_dialogue_is_told_what_was_heard_before_it_replies(
    conversation: Conversation,
) -> None:
    conversation.recognizer.texts = ["yes", "stop"]
    await speaking(conversation)
    began = len(conversation.mind.turns)
    conversation.step(Decision.CALLER, 0.9)
    await settle()

    (cut,) = conversation.mind.cuts
    assert (cut.heard, cut.unheard) == ("One two", LONG.removeprefix("One two "))
    assert cut.heard_ms == 80
    assert len(conversation.mind.turns) == began
    line = conversation.call.transcript.entries[-1]
    assert (line.at_ms, line.cut, line.heard) == (cut.at_ms, True, "One two")

    await conversation.be_silent()
    assert conversation.mind.turns[-1].text == "stop"


async def test_at_ms_counts_from_the_start_of_the_call_and_knows_of_skipped_ticks(
    conversation: Conversation,
) -> None:
    await conversation.begin()
    await conversation.tick(1)
    conversation.call.skip(10)
    conversation.step(Decision.CALLER, 0.9)

    assert conversation.mind.cuts[0].at_ms == (1 + 10 + 1) * 20


async def test_speech_from_before_the_onset_reaches_the_recognizer(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    await conversation.tick(40)
    tick = conversation._tick

    await conversation.speak(10)

    (utterance,) = conversation.recognizer.utterances
    first = tick + 1 - 15  # 300 ms before the onset, which is the next tick
    assert np.array_equal(utterance.audio, np.repeat(np.arange(first, tick + 14), 160))


@pytest.mark.parametrize(("confidence", "first_tick"), [(0.0, 1), (0.75, 75)])
async def test_speech_from_the_start_of_a_call_is_kept_until_the_bank_can_decide(
    conversation: Conversation, confidence: float, first_tick: int
) -> None:
    """It may be echo until the line is learned, and is the caller's where there is none."""
    conversation.delay_confidence = confidence
    conversation.mind.greeting = [Say(" ".join([LONG] * 10))]
    await conversation.begin()
    await conversation.tick(5)
    await conversation.tick(40, Decision.NONE, 0.9)
    await conversation.tick(10, Decision.NONE, 0.1)
    await conversation.tick(34, Decision.NONE, 0.9)

    await conversation.tick(1, Decision.CALLER, 0.9)

    (utterance,) = conversation.recognizer.utterances
    assert np.array_equal(utterance.audio, np.repeat(np.arange(first_tick, 91), 160))


async def test_later_in_a_call_only_the_bank_tells_when_the_caller_began(
    conversation: Conversation,
) -> None:
    """An echo that is not found must not reach the recognizer in every turn."""
    conversation.delay_confidence = 0.0
    conversation.mind.greeting = [Say(" ".join([LONG] * 20))]
    await conversation.begin()
    await conversation.tick(160)
    await conversation.tick(60, Decision.NONE, 0.9)

    await conversation.tick(1, Decision.CALLER, 0.9)

    (utterance,) = conversation.recognizer.utterances
    assert utterance.audio.size == 16 * 160


async def test_no_sample_reaches_the_recognizer_twice(conversation: Conversation) -> None:
    conversation.recognizer.texts = [None]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.now_is(TurnState.THINKING)

    await conversation.tick(2)
    await conversation.speak()

    whole = conversation.recognizer.utterances[1].audio[::160]
    assert np.array_equal(whole, np.arange(whole[0], whole[0] + whole.size))


async def test_who_goes_on_while_the_bot_thinks_takes_the_turn_back(
    conversation: Conversation,
) -> None:
    conversation.recognizer.texts = [None, "my number is four"]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.now_is(TurnState.THINKING)

    await conversation.speak()
    assert conversation.now_is(TurnState.LISTENING)
    assert conversation.recognizer.utterances[0].discarded
    await conversation.be_silent()
    await conversation.listen()

    first, second = conversation.recognizer.utterances
    assert np.array_equal(second.audio[: first.audio.size], first.audio)
    assert [turn.text for turn in conversation.mind.turns] == ["my number is four"]


async def test_what_was_answered_is_not_heard_again(conversation: Conversation) -> None:
    await speaking(conversation)
    await conversation.speak()

    first, second = conversation.recognizer.utterances
    assert not set(first.audio) & set(second.audio)


async def test_who_goes_on_in_a_pause_that_the_bank_bridges_is_heard() -> None:
    conversation = Conversation(silences=SilenceSettings(200, 200, 200))
    conversation.recognizer.texts = [None]
    await listening(conversation)
    await conversation.speak()
    await conversation.tick(10, Decision.CALLER, 0.1)
    assert conversation.now_is(TurnState.THINKING)
    await conversation.tick(2, Decision.CALLER, 0.1)
    assert conversation.now_is(TurnState.THINKING)

    await conversation.tick(1, Decision.CALLER, 0.9)

    assert conversation.now_is(TurnState.LISTENING)
    await conversation.end()


async def test_a_caller_without_end_is_answered_and_not_taken_for_a_new_one(
    conversation: Conversation,
) -> None:
    conversation.mind.answers = [[Say(LONG)]]
    await listening(conversation)

    await conversation.speak(5000 // 20)
    audio = await conversation.tick(19, Decision.CALLER, 0.9)

    assert len(conversation.recognizer.utterances) == 1
    assert loud(audio) + loud(await conversation.tick(1, Decision.CALLER, 0.9)) == 9
    assert conversation.now_is(TurnState.LISTENING)


async def test_sound_without_a_pause_is_answered_again_and_again(
    conversation: Conversation,
) -> None:
    """A talker, a menu or music on hold: the caller's side is never silent for a minute."""
    await listening(conversation)

    await conversation.speak(60_000 // 20)

    # Each turn lasts 5 s (max_utterance_ms), and the answer to it some frames.
    assert len(conversation.mind.turns) == 11
    first, second, *_ = conversation.recognizer.utterances
    assert second.audio.size > 5 * 8000
    assert not set(first.audio) & set(second.audio)


async def test_a_pause_that_the_bank_bridges_after_a_long_turn_is_no_turn(
    conversation: Conversation,
) -> None:
    conversation.mind.answers = [[Say("I see")]]
    await listening(conversation)
    await conversation.speak(5000 // 20)
    await conversation.tick(15, Decision.CALLER, 0.1)
    await conversation.tick(60)

    assert len(conversation.mind.turns) == 1


async def test_work_is_cancelled_by_an_interruption(conversation: Conversation) -> None:
    conversation.voice.hanging = {"never"}
    await speaking(conversation, Say("One two three. never"))
    assert len(others()) == 1

    conversation.step(Decision.CALLER, 0.9)
    await settle()

    assert not others()
    assert conversation.mind.streaming == conversation.voice.open == 0


async def test_an_interruption_before_the_work_has_begun_leaves_nothing(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    await conversation.speak()
    for _ in range(35):
        conversation.step()
    conversation.step(Decision.CALLER, 0.9)  # the reply's task was made and has not run
    await settle()

    assert conversation.now_is(TurnState.LISTENING)
    assert not others()
    assert not conversation.mind.turns
    assert conversation.recognizer.utterances[0].discarded


async def test_one_iterator_of_the_dialogue_is_open_at_a_time(conversation: Conversation) -> None:
    let_go = asyncio.Event()

    async def slow_to_close() -> AsyncIterator[Act]:
        try:
            yield Say(LONG)
            await hang()
        finally:
            await let_go.wait()

    conversation.mind.answers = [slow_to_close, [Say("I see")]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(3)
    conversation.call.digit("1")
    conversation.call.digit("#")
    await settle()
    before = len(conversation.mind.turns)

    let_go.set()
    await settle()

    assert (conversation.mind.most_open, before, len(conversation.mind.turns)) == (1, 1, 2)


async def test_a_provider_that_ignores_its_cancellation_says_nothing_more() -> None:
    conversation = Conversation(provider_s=1.0)

    async def stubborn() -> AsyncIterator[Act]:
        yield Say("One two")
        try:
            await hang()
        except asyncio.CancelledError:
            yield Say("three four")

    await speaking(conversation, *[Say("One two three four")])
    conversation.mind.answers = [stubborn, [Say("five")]]
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(2)
    conversation.step(Decision.CALLER, 0.9)
    await settle()

    assert loud(await conversation.tick(30)) == 0
    await conversation.end()
    assert not others()
