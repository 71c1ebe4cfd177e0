"""What the recognizer gets to hear: the caller's samples, each once, in the turn they belong to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from call.doubles import FRAME, RATE_HZ, Recognizer, Unobserved, chain
from media_pod.call.capture import Capture
from media_pod.call.endpointing import PreRoll
from media_pod.duplex.contract import Decision
from media_pod.providers.ports import ProviderError

MAX_SAMPLES = 100 * FRAME


class Caller:
    """Pushes ticks that are numbered from 1, loud from `begin` to `done`."""

    def __init__(self, pre_roll_ms: int = 100) -> None:
        self.recognizer = Recognizer()
        self.ears = Capture(
            chain("stt", self.recognizer), PreRoll(pre_roll_ms, RATE_HZ), MAX_SAMPLES
        )
        self.tick = 0

    def push(self, ticks: int, decision: Decision = Decision.NONE) -> None:
        for _ in range(ticks):
            self.tick += 1
            self.ears.push(np.full(FRAME, self.tick, np.int16), decision)

    def heard(self, utterance: int) -> list[int]:
        """The numbers of the ticks that this utterance was given."""
        return [int(number) for number in self.recognizer.utterances[utterance].audio[::FRAME]]


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 12), st.booleans()), min_size=1, max_size=5
    )
)
def test_turns_share_no_audio_and_parts_of_one_turn_all_of_it(
    parts: list[tuple[int, int, bool]],
) -> None:
    caller = Caller()
    answered: set[int] = set()
    so_far: list[int] = []
    for number, (quiet_ticks, speech_ticks, answer) in enumerate(parts):
        caller.push(quiet_ticks)
        caller.push(1, Decision.CALLER)
        onset = caller.tick
        caller.ears.open()
        caller.push(speech_ticks, Decision.CALLER)
        caller.ears.take()

        heard = caller.heard(number)
        assert heard == sorted(set(heard))
        assert not answered & set(heard)
        assert heard[: len(so_far)] == so_far
        before_onset = [tick for tick in heard[len(so_far) :] if tick < onset]
        assert len(before_onset) == min(5, quiet_ticks)
        assert heard[-1] == caller.tick
        so_far = heard
        if answer:
            caller.ears.answered()
            answered |= set(heard)
            so_far = []


def test_who_goes_on_and_on_is_heard_from_the_latest_part_back() -> None:
    caller = Caller()
    for _ in range(4):
        caller.push(1, Decision.CALLER)
        caller.ears.open()
        caller.push(60, Decision.CALLER)
        caller.ears.take()

    heard = caller.heard(3)

    assert heard == list(range(caller.tick - 100 - 60 + 1, caller.tick + 1))


def test_an_open_utterance_goes_on() -> None:
    caller = Caller()
    caller.push(1, Decision.CALLER)
    caller.ears.open()
    caller.push(1)
    caller.ears.open()

    assert len(caller.recognizer.utterances) == 1
    assert caller.heard(0) == [1, 2]


def test_nothing_said_is_nothing_to_recognize() -> None:
    caller = Caller()
    caller.push(3)

    assert caller.ears.take() is None
    assert not caller.ears.unanswered


def test_what_is_kept_does_not_hold_on_to_the_audio_of_other_calls() -> None:
    caller = Caller()
    caller.push(1, Decision.CALLER)
    caller.ears.open()
    bank = np.zeros((100, FRAME), np.int16)

    caller.ears.push(bank[7], Decision.CALLER)

    assert caller.recognizer.utterances[0].chunks[-1].base is None


@pytest.mark.parametrize("fault", ["deaf", "broken"])
async def test_a_recognizer_that_raises_is_told_of_at_the_end(fault: str) -> None:
    caller = Caller()
    setattr(caller.recognizer, fault, True)
    caller.push(1, Decision.CALLER)
    caller.ears.open()
    caller.push(5, Decision.CALLER)
    utterance = caller.ears.take()

    assert utterance is not None
    with pytest.raises(ProviderError, match="double: RuntimeError"):
        await utterance.finish(Unobserved())


def test_what_nobody_wants_to_know_is_given_up_once_it_was_taken_too() -> None:
    caller = Caller()
    for _ in range(2):
        caller.push(1, Decision.CALLER)
        caller.ears.open()
        caller.ears.take()
    caller.ears.open()

    caller.ears.discard()

    assert [u.discarded for u in caller.recognizer.utterances] == [False, True, True]


def test_the_words_so_far_are_those_of_the_open_turn() -> None:
    caller = Caller()
    assert caller.ears.partial == ""
    caller.push(1, Decision.CALLER)
    caller.ears.open()
    caller.recognizer.utterances[0].partial = "where is"
    assert caller.ears.partial == "where is"
    caller.ears.take()
    assert caller.ears.partial == ""
