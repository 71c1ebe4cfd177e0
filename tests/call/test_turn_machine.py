"""The conversation's table: each rule, each pair that no rule names, and what holds for ever."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.call.turn_machine import Effect, TurnEvent, TurnMachine, TurnState

S, E, F = TurnState, TurnEvent, Effect

Move = tuple[TurnState, tuple[Effect, ...]]


def rule(
    states: Iterable[TurnState], event: TurnEvent, to: TurnState, *effects: Effect
) -> dict[tuple[TurnState, TurnEvent], Move]:
    return {(state, event): (to, effects) for state in states}


BOT_HAS_THE_TURN = (S.GREETING, S.SPEAKING, S.ENDING)
MAY_FAIL = (S.GREETING, S.THINKING, S.SPEAKING)
RULES: dict[tuple[TurnState, TurnEvent], Move] = {
    **rule(BOT_HAS_THE_TURN, E.CALLER, S.INTERRUPTED, F.STOP, F.CANCEL, F.HEAR),
    **rule([S.PREPARING, S.THINKING], E.CALLER, S.LISTENING, F.STOP, F.CANCEL, F.HEAR),
    **rule([S.LISTENING], E.CALLER, S.LISTENING, F.HEAR),
    **rule([S.INTERRUPTED], E.CALLER, S.INTERRUPTED, F.HEAR),
    **rule([S.LEAVING], E.CALLER, S.OVER, F.STOP, F.CANCEL, F.HANG_UP),
    **rule([S.LISTENING, S.INTERRUPTED], E.CALLER_DONE, S.THINKING, F.REPLY),
    **rule([S.LISTENING, S.INTERRUPTED], E.PAUSED, S.PREPARING, F.PREPARE),
    **rule([S.PREPARING], E.CALLER_DONE, S.THINKING, F.RELEASE),
    **rule([S.PREPARING], E.FAILED, S.LISTENING, F.STOP, F.HEAR),
    **rule([S.LISTENING], E.NO_INPUT, S.THINKING, F.REPLY),
    **rule([S.THINKING], E.SPEECH, S.SPEAKING),
    **rule(MAY_FAIL, E.SPOKEN, S.LISTENING),
    **rule([S.ENDING, S.LEAVING], E.SPOKEN, S.OVER, F.HANG_UP),
    **rule(MAY_FAIL, E.GOODBYE, S.ENDING),
    **rule(MAY_FAIL, E.FAILED, S.SPEAKING, F.STOP, F.APOLOGISE),
    **rule([S.THINKING, S.SPEAKING], E.FAILED_AGAIN, S.LEAVING, F.STOP, F.SAY_GOODBYE),
    **rule(
        [s for s in S if s not in (S.LEAVING, S.OVER)],
        *(E.DISMISSED, S.LEAVING, F.STOP, F.CANCEL, F.SAY_GOODBYE),
    ),
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(TurnState, TurnEvent)))
def test_every_event_in_every_state(state: TurnState, event: TurnEvent) -> None:
    turn = TurnMachine()
    turn.state = state

    effects = turn.on(event)

    assert (turn.state, effects) == RULES.get((state, event), (state, ()))


def test_the_bot_speaks_first() -> None:
    assert TurnMachine().state is TurnState.GREETING


@given(st.lists(st.sampled_from(TurnEvent)))
def test_a_call_that_is_over_stays_over_and_hangs_up_once(events: list[TurnEvent]) -> None:
    turn, hang_ups = TurnMachine(), 0
    for event in events:
        was_over = turn.state is TurnState.OVER
        effects = turn.on(event)
        hang_ups += effects.count(Effect.HANG_UP)

        assert not was_over or (turn.state is TurnState.OVER and not effects)
    assert hang_ups == (turn.state is TurnState.OVER)


@given(st.lists(st.sampled_from(TurnEvent)))
def test_the_bot_is_silent_before_the_caller_is_heard(events: list[TurnEvent]) -> None:
    turn = TurnMachine()
    bot_may_speak = True
    for event in events:
        effects = turn.on(event)
        for effect in effects:
            if effect in (Effect.REPLY, Effect.APOLOGISE, Effect.SAY_GOODBYE):
                bot_may_speak = True
            elif effect is Effect.STOP:
                bot_may_speak = False
            elif effect is Effect.HEAR:
                assert not bot_may_speak
        if event is TurnEvent.SPOKEN and turn.state in (TurnState.LISTENING, TurnState.OVER):
            bot_may_speak = False


@given(st.lists(st.sampled_from(TurnEvent)))
def test_the_bot_works_at_one_reply_at_a_time(events: list[TurnEvent]) -> None:
    turn = TurnMachine()
    working = True  # at its greeting
    for event in events:
        if event in (TurnEvent.SPOKEN, TurnEvent.FAILED, TurnEvent.FAILED_AGAIN):
            working = False  # the call says so only once its work is done
        for effect in turn.on(event):
            if effect is Effect.CANCEL:
                working = False
            elif effect is Effect.REPLY:
                assert not working
                working = True
