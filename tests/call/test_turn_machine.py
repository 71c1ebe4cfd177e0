"""The conversation's table: each rule, each pair that no rule names, and what holds for ever."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.call.turn_machine import Effect, Event, State, Turn

S, E, F = State, Event, Effect

Move = tuple[State, tuple[Effect, ...]]


def rule(
    states: Iterable[State], event: Event, to: State, *effects: Effect
) -> dict[tuple[State, Event], Move]:
    return {(state, event): (to, effects) for state in states}


BOT_HAS_THE_TURN = (S.GREETING, S.SPEAKING, S.ENDING)
MAY_FAIL = (S.GREETING, S.THINKING, S.SPEAKING)
RULES: dict[tuple[State, Event], Move] = {
    **rule(BOT_HAS_THE_TURN, E.CALLER, S.INTERRUPTED, F.STOP, F.CANCEL, F.HEAR),
    **rule([S.THINKING], E.CALLER, S.LISTENING, F.STOP, F.CANCEL, F.HEAR),
    **rule([S.LISTENING], E.CALLER, S.LISTENING, F.HEAR),
    **rule([S.INTERRUPTED], E.CALLER, S.INTERRUPTED, F.HEAR),
    **rule([S.LEAVING], E.CALLER, S.OVER, F.STOP, F.CANCEL, F.HANG_UP),
    **rule([S.LISTENING, S.INTERRUPTED], E.CALLER_DONE, S.THINKING, F.REPLY),
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


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_event_in_every_state(state: State, event: Event) -> None:
    turn = Turn()
    turn.state = state

    effects = turn.on(event)

    assert (turn.state, effects) == RULES.get((state, event), (state, ()))


def test_the_bot_speaks_first() -> None:
    assert Turn().state is State.GREETING


@given(st.lists(st.sampled_from(Event)))
def test_a_call_that_is_over_stays_over_and_hangs_up_once(events: list[Event]) -> None:
    turn, hang_ups = Turn(), 0
    for event in events:
        was_over = turn.state is State.OVER
        effects = turn.on(event)
        hang_ups += effects.count(Effect.HANG_UP)

        assert not was_over or (turn.state is State.OVER and not effects)
    assert hang_ups == (turn.state is State.OVER)


@given(st.lists(st.sampled_from(Event)))
def test_the_bot_is_silent_before_the_caller_is_heard(events: list[Event]) -> None:
    turn = Turn()
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
        if event is Event.SPOKEN and turn.state in (State.LISTENING, State.OVER):
            bot_may_speak = False


@given(st.lists(st.sampled_from(Event)))
def test_the_bot_works_at_one_reply_at_a_time(events: list[Event]) -> None:
    turn = Turn()
    working = True  # at its greeting
    for event in events:
        if event in (Event.SPOKEN, Event.FAILED, Event.FAILED_AGAIN):
            working = False  # the call says so only once its work is done
        for effect in turn.on(event):
            if effect is Effect.CANCEL:
                working = False
            elif effect is Effect.REPLY:
                assert not working
                working = True
