"""One call whose providers fail, hang, or do not let go."""

import logging
from collections.abc import AsyncIterator

import pytest

from call.doubles import (
    LONG,
    SOON,
    Conversation,
    conversation,  # noqa: F401 - a fixture
    listening,
    loud,
    others,
    settle,
    speaking,
)
from call.mind import failing_mind, hang, hanging_mind
from media_pod.call.response import MAX_ACTS
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Act, Say
from media_pod.providers.ports import ProviderError


async def listen_to_failure(conversation: Conversation) -> str:
    """The caller speaks and is silent; who is heard then, apology, goodbye or answer."""
    await conversation.speak()
    await conversation.be_silent()
    await conversation.until(lambda: not conversation.now_is(TurnState.THINKING))
    audio = await conversation.listen()
    voices = {77: "apology", 99: "goodbye", 1000: "answer"}
    return " ".join(name for value, name in voices.items() if loud(audio, value))


@pytest.mark.parametrize("fault", ["mind", "slow mind", "voice", "slow voice", "ears", "slow ears"])
async def test_a_provider_that_fails_costs_a_turn_and_the_second_time_the_call(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = await listening(Conversation(provider_s=SOON))
    if "mind" in fault:
        mind = hanging_mind if "slow" in fault else failing_mind
        conversation.mind.answers = [mind, [Say("Better")], mind, mind]
    elif "voice" in fault:
        bad = conversation.voice.hanging if "slow" in fault else conversation.voice.failing
        bad.add("bad")
        say: list[Act] = [Say("bad")]
        conversation.mind.answers = [say, [Say("Better")], say, say]
    else:
        error = None if "slow" in fault else RuntimeError("ears: gone")
        conversation.recognizer.texts = [error, "yes", error, error]

    heard = [await listen_to_failure(conversation) for _ in range(4)]

    assert heard == ["apology", "answer", "apology", "goodbye"]
    assert conversation.call.over
    assert conversation.call.hang_up_reason == "providers failed twice in a row"
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 3
    await conversation.end()
    assert not others()


async def test_a_long_answer_that_fails_as_it_is_closed_costs_a_turn_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer() -> AsyncIterator[Act]:
        try:
            for _ in range(2 * MAX_ACTS):
                yield Say("bad")
        finally:
            raise RuntimeError("mind: gone")

    conversation = await listening(Conversation(provider_s=SOON))
    conversation.voice.hanging.add("bad")
    monkeypatch.setattr(conversation.mind, "reply", lambda _: answer())

    assert await listen_to_failure(conversation) == "apology"
    await conversation.end()


@pytest.mark.parametrize("fault", ["deaf", "broken"])
async def test_a_recognizer_that_raises_while_it_listens_costs_a_turn(
    conversation: Conversation, fault: str
) -> None:
    await listening(conversation)
    setattr(conversation.recognizer, fault, True)

    assert await listen_to_failure(conversation) == "apology"

    assert conversation.now_is(TurnState.LISTENING)


async def test_a_failure_in_mid_sentence_falls_silent_and_tells_the_dialogue(
    conversation: Conversation,
) -> None:
    conversation.voice.failing = {"bad"}
    conversation.mind.answers = [[Say("One two three. bad")]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()

    audio = await conversation.listen()

    assert (loud(audio), loud(audio, 77)) == (0, 2)
    (cut,) = conversation.mind.cuts
    assert (cut.heard, cut.unheard.split()[0]) == ("", "One")
    assert not conversation.counted("interject_barge_in_stop_seconds_count")
    assert not any(entry.cut for entry in conversation.call.transcript.entries)


async def test_a_dialogue_that_raises_at_an_interruption_is_asked_again(
    conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    conversation.mind.rude = True
    await speaking(conversation)

    await conversation.speak()
    await conversation.be_silent()
    audio = await conversation.listen()

    assert loud(audio) == 2  # "Go on."
    assert "failed at an interruption" in caplog.text


async def test_cancelled_work_that_fails_does_not_trouble_the_next_turn(
    conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    async def bitter() -> AsyncIterator[Act]:
        yield Say(LONG)
        try:
            await hang()
        finally:
            raise RuntimeError("not like this")

    conversation.mind.answers = [bitter, [Say("I see")]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(3)
    conversation.call.digit("1")
    conversation.call.digit("#")
    await settle()

    audio = await conversation.listen()

    assert (loud(audio), loud(audio, 77)) == (2, 0)
    assert "not like this" in caplog.text


async def test_a_turn_that_was_cut_while_it_worked_was_no_failure(
    conversation: Conversation,
) -> None:
    conversation.voice.failing = {"bad"}
    conversation.voice.hanging = {"slow"}
    conversation.mind.answers = [[Say("bad")], [Say("One two three. slow")], [Say("bad")]]
    await listening(conversation)
    assert await listen_to_failure(conversation) == "apology"
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(5)

    assert await listen_to_failure(conversation) == "apology"


async def test_an_interrupted_apology_is_not_told_to_the_dialogue(
    conversation: Conversation,
) -> None:
    conversation.recognizer.texts = [ProviderError("ears: gone"), "yes"]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert (await conversation.tick(2)).any()

    await conversation.speak()
    await conversation.be_silent()

    assert not conversation.mind.cuts
    assert [turn.text for turn in conversation.mind.turns] == ["yes"]
