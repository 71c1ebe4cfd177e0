"""One call and its dialogue: what begins and ends it, numbers that end themselves, the longest."""

import asyncio

import numpy as np
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
from call.mind import Mind, hang, hanging_mind
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Expect, HangUp, Say, Transfer


async def keyed(conversation: Conversation, digits: str) -> None:
    for digit in digits:
        conversation.call.digit(digit)
        await settle()


async def asked_for_digits(conversation: Conversation, digits: int = 4) -> Conversation:
    """The bot has asked for a number, and listens."""
    conversation.mind.answers = [[Say("Your number?"), Expect(digits)]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    await conversation.listen()
    return conversation


async def test_an_expected_number_ends_with_its_last_digit(conversation: Conversation) -> None:
    await asked_for_digits(conversation)
    await keyed(conversation, "471")
    assert len(conversation.mind.turns) == 1

    await keyed(conversation, "1")

    assert [turn.digits for turn in conversation.mind.turns] == ["", "4711"]


async def test_an_expected_number_may_interrupt_the_question(conversation: Conversation) -> None:
    await speaking(conversation, Say(LONG), Expect(2))
    await keyed(conversation, "42")
    assert [turn.digits for turn in conversation.mind.turns][-1] == "42"


async def test_a_number_is_expected_for_one_turn(conversation: Conversation) -> None:
    await asked_for_digits(conversation, 2)
    await keyed(conversation, "42")
    await conversation.listen()

    await keyed(conversation, "42")
    assert len(conversation.mind.turns) == 2

    await keyed(conversation, "#")
    assert [turn.digits for turn in conversation.mind.turns] == ["", "42", "42"]


async def test_a_shorter_number_than_expected_ends_like_any_other(
    conversation: Conversation,
) -> None:
    await asked_for_digits(conversation)
    await keyed(conversation, "47#")
    assert conversation.mind.turns[-1].digits == "47"


@pytest.mark.parametrize("state", [TurnState.LISTENING, TurnState.SPEAKING, TurnState.THINKING])
async def test_the_longest_call_ends_with_its_goodbye_once(state: TurnState) -> None:
    conversation = Conversation(max_call_s=1)
    conversation.mind.greeting = [Say("Hello")]
    if state is TurnState.SPEAKING:
        conversation.mind.greeting = [Say(" ".join([LONG] * 4))]
    if state is TurnState.THINKING:
        conversation.mind.answers = [hanging_mind]
    await conversation.begin()
    await conversation.tick(4)
    if state is TurnState.THINKING:
        conversation.call.digit("#")
        await settle()
        assert conversation.now_is(state)
    before = await conversation.tick(45)
    assert not loud(before, 88)

    frames = []
    while not conversation.call.over:
        frames.append(await conversation.tick())
        assert len(frames) < 20

    audio = np.concatenate(frames)
    assert loud(audio, 88) == 2
    assert not loud(audio, 99)
    assert conversation.call.hang_up_reason == "the limit of 1 s"
    assert not (await conversation.tick(60)).any()
    assert conversation.mind.streaming == 0
    await conversation.end()


async def test_the_limit_does_not_repeat_a_goodbye_that_has_begun() -> None:
    conversation = Conversation(max_call_s=1)
    await listening(conversation)
    await conversation.tick(49 - conversation._tick)
    conversation.call.dismiss("the pod has to go")

    audio = await conversation.listen()

    assert (loud(audio, 99), loud(audio, 88)) == (2, 0)
    assert conversation.call.hang_up_reason == "the pod has to go"
    await conversation.end()


async def test_a_transfer_that_the_limit_cuts_is_none() -> None:
    conversation = Conversation(max_call_s=1)
    conversation.mind.greeting = [Say(" ".join([LONG] * 4)), Transfer("phones,200,1")]
    await conversation.begin()
    await conversation.listen()
    assert conversation.call.over
    assert conversation.call.goto == ""
    await conversation.end()


async def test_the_dialogue_knows_that_its_answer_had_begun(conversation: Conversation) -> None:
    await speaking(conversation)
    await conversation.speak()
    (cut,) = conversation.mind.cuts
    assert cut.answered
    assert cut.heard.startswith("One")


async def test_the_dialogue_knows_that_the_caller_only_went_on(conversation: Conversation) -> None:
    conversation.mind.answers = [hanging_mind]
    conversation.recognizer.texts = ["book a table", "book a table for two"]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.now_is(TurnState.THINKING)

    await conversation.speak()
    await conversation.be_silent()

    (cut,) = conversation.mind.cuts
    assert (cut.heard, cut.answered) == ("", False)
    assert [turn.text for turn in conversation.mind.turns] == [
        "book a table",
        "book a table for two",
    ]


async def test_an_answer_of_which_nothing_was_heard_had_begun(conversation: Conversation) -> None:
    """Its speech was ready, so the caller's words are not repeated."""
    conversation.mind.answers = [[Say(LONG)]]
    await listening(conversation)
    conversation.call.digit("#")
    await settle()
    assert conversation.now_is(TurnState.SPEAKING)

    conversation.call.digit("1")

    (cut,) = conversation.mind.cuts
    assert (cut.heard, cut.answered) == ("", True)


class Opened(Mind):
    """Counts its beginnings and ends; `never` ends hang."""

    def __init__(self, *, never: bool = False, broken: bool = False) -> None:
        super().__init__()
        self.never, self.broken = never, broken
        self.log: list[str] = []

    async def open(self) -> None:
        self.log.append("open")

    async def aclose(self) -> None:
        self.log.append("aclose")
        if self.never:
            await hang()
        if self.broken:
            raise RuntimeError("it does not close")


async def test_a_dialogue_is_opened_before_its_first_words_and_closed_after_its_last() -> None:
    conversation = Conversation()
    mind = conversation.mind = Opened()
    mind.greeting = [Say("Hello"), HangUp("done")]
    await conversation.begin()
    await conversation.listen()
    assert mind.log == ["open"]

    await conversation.end()

    assert mind.log == ["open", "aclose"]


async def test_a_call_that_ends_in_the_middle_closes_its_dialogue_too() -> None:
    conversation = Conversation()
    mind = conversation.mind = Opened()
    await speaking(conversation)
    await conversation.end()
    assert mind.log == ["open", "aclose"]
    assert mind.streaming == 0


async def test_a_dialogue_that_does_not_open_costs_an_apology() -> None:
    class Shut(Mind):
        async def open(self) -> None:
            raise RuntimeError("not today")

    conversation = Conversation()
    conversation.mind = Shut()
    await conversation.begin()
    audio = await conversation.listen()
    assert loud(audio, 77) == 2
    await conversation.end()


@pytest.mark.parametrize("fault", ["never", "broken"])
async def test_a_dialogue_that_does_not_close_does_not_hold_the_end_of_the_call(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = Conversation(dialogue_close_s=SOON)
    mind = conversation.mind = Opened(never=fault == "never", broken=fault == "broken")
    await listening(conversation)

    async with asyncio.timeout(5):
        await conversation.end()

    assert mind.log == ["open", "aclose"]
    assert "the dialogue failed at the end of the call" in caplog.text
    assert not others()
