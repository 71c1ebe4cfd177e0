"""The bot stops, and no words follow: whether it was the caller, and how the bot goes on."""

import math
from dataclasses import replace

import pytest

from call.doubles import INFO, Conversation, Unobserved, conversation
from call.test_call_counts import LOCKED, SUSPECTED, interrupted
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.parcel_desk import script
from media_pod.dialogues.parcel_desk.desk import ParcelDesk
from media_pod.dialogues.ports import CallInfo, Dialogue, Say
from media_pod.dialogues.scripted import Item, Scripted
from media_pod.duplex.contract import Decision
from media_pod.providers.requests import RequestObserver

__all__ = ["conversation"]


async def test_speech_after_the_stop_was_a_caller_whom_nobody_understands(
    conversation: Conversation,
) -> None:
    """As with callers of another language than the recognizer's."""
    await interrupted(conversation, "")
    await conversation.tick(30, Decision.CALLER, 0.9)
    await conversation.be_silent()

    assert conversation.counted("interject_stops_total", **LOCKED) == 1
    assert conversation.counted(SUSPECTED, **LOCKED) == 0


@pytest.mark.parametrize(("delay_ms", "suspected"), [(120.0, 0), (600.0, 1), (math.nan, 1)])
async def test_echo_that_is_still_under_way_at_the_stop_is_no_caller(
    delay_ms: float, suspected: int
) -> None:
    conversation = Conversation()
    conversation.delay_ms = delay_ms
    await interrupted(conversation, "")
    await conversation.tick(25, Decision.CALLER, 0.9)
    await conversation.be_silent()

    echo = {"echo": "unknown" if math.isnan(delay_ms) else "locked"}
    assert conversation.counted(SUSPECTED, **LOCKED | echo) == suspected
    await conversation.end()


async def test_the_dialogue_knows_a_false_stop_from_an_answer(conversation: Conversation) -> None:
    await interrupted(conversation, "")
    await conversation.be_silent()
    await conversation.listen()
    await conversation.speak()
    await conversation.be_silent()

    assert [turn.false_stop for turn in conversation.mind.turns] == [False, True, False]


async def falsely_stopped(dialogue: Dialogue, after_words: int) -> Conversation:
    """The bot, which was stopped for nothing, goes on in the next frame."""
    conversation = Conversation()

    def make(info: CallInfo, observer: RequestObserver) -> Dialogue:
        return dialogue

    conversation.agents = replace(conversation.agents, dialogue=make)
    conversation.recognizer.texts = [""]
    await conversation.begin()
    await conversation.tick(2 * after_words)
    await conversation.speak()
    assert conversation.now_is(TurnState.INTERRUPTED)
    await conversation.be_silent()
    return conversation


async def test_the_parcel_desk_goes_on_with_the_sentence_and_does_not_apologise() -> None:
    desk = ParcelDesk(INFO, Unobserved())
    conversation = await falsely_stopped(desk, after_words=2)

    await conversation.listen()

    *_, said = conversation.call.transcript.entries
    assert said.heard == f"{script.GREETING} {script.ASK_NUMBER}"
    await conversation.end()


async def test_a_script_says_the_item_again_that_was_stopped() -> None:
    scripted = Scripted([Item(Say("One two")), Item(Say("three four five")), Item(Say("six"))])
    conversation = await falsely_stopped(scripted, after_words=1)

    await conversation.listen()

    *_, said = conversation.call.transcript.entries
    assert said.heard == "three four five six"
    await conversation.end()
