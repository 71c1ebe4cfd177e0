"""Duck on doubt, stop on evidence: one call, tick by tick."""

import math

import numpy as np
import pytest

from call.doubles import (
    BUS_S,
    LONG,
    WORD_SAMPLES,
    Conversation,
    conversation,
    fades_out,
    listening,
    settle,
    speaking,
)
from media_pod.call.events import BargeIn, CallRef, Ducked, Event
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Say
from media_pod.duplex.contract import Decision

__all__ = ["conversation"]
WORD = 1000
"""Each sample of a word."""
DUCKED = 178
"""15 dB below it."""


def ducks(conversation: Conversation) -> tuple[float, float]:
    """How many ended in a stop, and how many faded."""
    stopped = conversation.counted("interject_ducks_total", outcome="stopped")
    return stopped, conversation.counted("interject_ducks_total", outcome="faded")


async def test_doubt_ducks_the_bot_and_what_fades_lets_it_come_back(
    conversation: Conversation,
) -> None:
    await speaking(conversation)
    assert (conversation.step(Decision.ONSET, 0.8) == WORD).all()

    down = await conversation.tick(2, Decision.ONSET, 0.8)
    assert (down[80:] == DUCKED).all()
    assert (await conversation.tick(1) == DUCKED).all()
    back = await conversation.tick(10)

    assert conversation.now_is(TurnState.SPEAKING)
    assert (np.diff(back[back != 0]) >= 0).all()
    assert not conversation.mind.cuts
    assert ducks(conversation) == (0, 1)


async def test_evidence_stops_a_ducked_bot_within_the_frame(conversation: Conversation) -> None:
    await speaking(conversation)
    await conversation.tick(2, Decision.ONSET, 0.8)
    conversation.step(Decision.CALLER, 0.9)

    assert fades_out(conversation.step(Decision.CALLER, 0.9))
    assert not conversation.step(Decision.CALLER, 0.9).any()
    (cut,) = conversation.mind.cuts
    assert cut.heard == "One two three"
    assert ducks(conversation) == (1, 0)


async def test_the_answer_to_an_interruption_is_not_ducked(conversation: Conversation) -> None:
    conversation.mind.answers = [[Say("Half past nine")]]
    await speaking(conversation)
    await conversation.speak()
    await conversation.be_silent()

    audio = await conversation.listen()

    assert (audio == WORD).sum() == 3 * WORD_SAMPLES


async def test_a_digit_stops_a_ducked_bot(conversation: Conversation) -> None:
    await speaking(conversation)
    await conversation.tick(2, Decision.ONSET, 0.8)
    conversation.call.digit("5")

    assert fades_out(conversation.step(Decision.ONSET, 0.8))
    assert not (await conversation.tick(3, Decision.ONSET, 0.8)).any()
    await conversation.tick()
    assert ducks(conversation) == (1, 0)


async def test_a_silent_bot_has_no_ducks(conversation: Conversation) -> None:
    await listening(conversation)
    await conversation.tick(3, Decision.ONSET, 0.8)
    await conversation.tick(1)

    assert ducks(conversation) == (0, 0)


async def test_a_bot_that_begins_in_doubt_begins_ducked(conversation: Conversation) -> None:
    await conversation.begin()
    await conversation.tick(1, Decision.ONSET, 0.8)
    assert DUCKED in await conversation.tick(1, Decision.ONSET, 0.8)


@pytest.mark.parametrize("greeting", ["never", "afterLineLearned"])
async def test_a_protected_greeting_is_not_ducked(greeting: str) -> None:
    conversation = Conversation(greeting=greeting)
    conversation.delay_confidence = 0.0
    await conversation.begin()
    audio = await conversation.tick(4, Decision.ONSET, 0.8)

    assert (audio == WORD).all()
    assert ducks(conversation) == (0, 0)
    await conversation.end()


async def test_a_duck_at_the_end_of_the_call_is_counted(conversation: Conversation) -> None:
    await speaking(conversation)
    await conversation.tick(2, Decision.ONSET, 0.8)
    await conversation.call.aclose("caller")

    assert ducks(conversation) == (0, 1)


async def test_on_a_line_with_a_queue_a_duck_is_what_is_sent_next(
    conversation: Conversation,
) -> None:
    conversation.queued = 5
    conversation.mind.greeting = [Say(LONG)]
    await conversation.begin()
    await conversation.tick(8)
    await conversation.tick(1, Decision.ONSET, 0.8)

    down = await conversation.tick(1, Decision.ONSET, 0.8)

    assert (down[80:] == DUCKED).all()
    assert conversation.flushes == 0


async def test_events_say_how_long_a_duck_was_and_what_carried_the_stop(
    conversation: Conversation,
) -> None:
    seen: list[Event] = []

    def on_event(call: CallRef, event: Event) -> None:
        if isinstance(event, Ducked | BargeIn):
            seen.append(event)

    conversation.bus.subscribe(on_event)
    await speaking(conversation)
    await conversation.tick(2, Decision.ONSET, 0.8)
    conversation.why = (("envelope", 2.1), ("speech", 1.4))
    conversation.step(Decision.CALLER, 0.9)
    await settle()
    assert conversation.bus.flush(BUS_S)

    duck, stop = seen
    assert isinstance(duck, Ducked)
    assert isinstance(stop, BargeIn)
    assert (duck.lasted_ms, duck.outcome) == (40, "stopped")
    assert stop.why == conversation.why
    assert not math.isnan(stop.delay_ms)
