"""Which of the caller's audio belongs to a turn, and when the turn is over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.call.endpointing import LONGEST_ONSET_MS, PreRoll, TurnEnd
from media_pod.duplex.contract import Decision
from media_pod.providers.ports import Pcm

TICK = 160


def count(tick: int) -> Pcm:
    """A tick of audio in which every sample is its own number."""
    return np.arange(tick * TICK, (tick + 1) * TICK).astype(np.int16)


@given(st.integers(0, 1000), st.integers(0, 60), st.integers(0, LONGEST_ONSET_MS // 20))
def test_pre_roll_begins_exactly_so_long_before_the_onset(
    before_ms: int, quiet_ticks: int, onset_ticks: int
) -> None:
    pre_roll = PreRoll(before_ms, 8000)
    for tick in range(quiet_ticks + onset_ticks):
        pre_roll.push(count(tick), Decision.NONE if tick < quiet_ticks else Decision.ONSET)

    audio = pre_roll.audio()

    first = max(quiet_ticks * TICK - before_ms * 8, 0)
    last = (quiet_ticks + onset_ticks) * TICK
    assert np.array_equal(audio, np.arange(first, last).astype(np.int16))
    assert pre_roll.since_onset_ms == onset_ticks * 20


def test_pre_roll_forgets_an_onset_that_was_none() -> None:
    pre_roll = PreRoll(40, 8000)
    for tick, decision in enumerate([Decision.ONSET, Decision.NONE, Decision.NONE]):
        pre_roll.push(count(tick), decision)

    assert pre_roll.since_onset_ms == 0
    assert np.array_equal(pre_roll.audio(), np.concatenate([count(1), count(2)]))


def test_pre_roll_does_not_reach_into_a_turn_that_is_over() -> None:
    pre_roll = PreRoll(300, 8000)
    pre_roll.push(count(0), Decision.CALLER)
    pre_roll.clear()
    pre_roll.push(count(1), Decision.CALLER)

    assert np.array_equal(pre_roll.audio(), count(1))
    assert pre_roll.since_onset_ms == 20


@pytest.fixture
def turn_end() -> TurnEnd:
    return TurnEnd(end_silence_ms=700, max_utterance_ms=5000, no_input_ms=3000)


def ms_until_over(turn_end: TurnEnd, *speech: float, then: float = 0.0) -> int | None:
    """After how long the turn ends, None for not within 20 s."""
    for tick in range(1, 1001):
        if turn_end.step(speech[tick - 1] if tick <= len(speech) else then):
            return tick * 20
    return None


def test_a_turn_ends_after_its_silence(turn_end: TurnEnd) -> None:
    turn_end.open()

    assert ms_until_over(turn_end, *[0.9] * 10) == 200 + 700


def test_a_pause_shorter_than_the_silence_does_not_end_a_turn(turn_end: TurnEnd) -> None:
    turn_end.open()

    assert ms_until_over(turn_end, *[0.9] * 10, *[0.1] * 34, 0.9) == 900 + 700


def test_a_turn_ends_by_its_length(turn_end: TurnEnd) -> None:
    turn_end.open()

    assert ms_until_over(turn_end, then=0.9) == 5000


def test_speaking_on_does_not_begin_the_length_anew(turn_end: TurnEnd) -> None:
    turn_end.open()
    assert ms_until_over(turn_end, *[0.9] * 10, then=0.9) == 5000
    turn_end.open()

    assert turn_end.step(0.9)


def test_a_number_ends_so_long_after_its_last_digit_whatever_is_heard(turn_end: TurnEnd) -> None:
    for _ in range(20):  # one digit in 1.5 s, 30 s in all: longer than any utterance
        turn_end.open(gap_ms=2000)
        for _ in range(75):
            assert not turn_end.step(0.9)

    assert ms_until_over(turn_end, then=0.9) == 2000 - 1500


def test_nobody_speaks(turn_end: TurnEnd) -> None:
    for _ in range(149):
        assert not turn_end.step(0.0)
        assert not turn_end.no_input
    turn_end.step(0.0)

    assert turn_end.no_input


def test_speech_before_and_turns_put_no_input_off(turn_end: TurnEnd) -> None:
    for _ in range(149):
        turn_end.step(0.0)
    turn_end.step(0.5)
    assert not turn_end.no_input
    turn_end.open()
    for _ in range(30):
        turn_end.step(0.0)
    assert not turn_end.no_input

    turn_end.close()
    for _ in range(149):
        turn_end.step(0.0)

    assert not turn_end.no_input


def test_a_turn_that_was_not_opened_never_ends(turn_end: TurnEnd) -> None:
    assert ms_until_over(turn_end, *[0.9] * 10) is None


def test_a_turn_is_likely_over_once_in_each_of_its_pauses() -> None:
    turn_end = TurnEnd(end_silence_ms=700, max_utterance_ms=5000, no_input_ms=3000, early_ms=200)
    turn_end.open()

    def likely(speech: float, ticks: int) -> list[int]:
        found = []
        for tick in range(1, ticks + 1):
            turn_end.step(speech)
            if turn_end.likely_over():
                found.append(tick * 20)
        return found

    assert likely(0.9, 10) == []
    assert likely(0.1, 30) == [200]
    turn_end.open()  # a reply that was prepared has failed
    assert likely(0.1, 30) == []
    assert likely(0.9, 10) == []
    assert likely(0.1, 30) == [200]


def test_a_number_that_is_keyed_is_not_likely_over() -> None:
    turn_end = TurnEnd(end_silence_ms=700, max_utterance_ms=5000, no_input_ms=3000, early_ms=200)
    turn_end.open(gap_ms=2000)
    for _ in range(60):
        turn_end.step(0.0)
        assert not turn_end.likely_over()
