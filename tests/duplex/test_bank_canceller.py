"""What the bank asks of its canceller, and how it scores one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from duplex.conftest import Speak
from duplex.lines import echo_line, run
from duplex.signals import Sound, pcm, speechlike, ticks
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import Pcm
from media_pod.duplex.ring import Audio, AudioRing


class OnlyLate:
    """A canceller that takes nothing out, and delays by 14 ms."""

    delay_samples = 112

    def __init__(self, slots: int, rate: int) -> None:
        self._ring = AudioRing(slots, 320, 160)

    def open(self, slot: int) -> None:
        self._ring.clear(slot)

    def close(self, slot: int) -> None:
        self._ring.clear(slot)

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None:
        pass

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        self._ring.push(caller)
        rows = np.arange(len(caller))
        return self._ring.ago(rows, np.full(len(caller), self.delay_samples), 160).astype(np.int16)


def test_the_erle_of_a_canceller_that_takes_nothing_out_is_0_db_also_if_it_is_late(
    bot_speech: Speak,
) -> None:
    bank = Bank(1, canceller=OnlyLate)
    bank.open(0)
    erles_db = [step.erle_db[0] for step in run(bank, [echo_line(bot_speech(8000), 5.0)])]
    assert np.nanmax(np.abs(erles_db)) < 0.01


class Realignments:
    """A canceller that passes audio and notes how it was realigned."""

    delay_samples = 0

    def __init__(self, slots: int, rate: int) -> None:
        self.noted: list[tuple[int, bool]] = []
        self.references: list[Pcm] = []
        self.past = np.zeros(0, np.float32)

    def open(self, slot: int) -> None:
        pass

    def close(self, slot: int) -> None:
        pass

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None:
        self.noted += zip(slots.tolist(), relearn.tolist(), strict=True)
        self.past = past[0]

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        self.references.append(reference)
        return caller


def test_a_lag_that_is_found_in_a_tick_of_silence_is_learned_in_the_next() -> None:
    """A lost frame is digital silence."""
    bot = pcm(speechlike(np.random.default_rng(4), 4.0))
    line = echo_line(bot, 4.0)
    locked = _first_realignment(line.caller, line.played)[0]
    line.caller[locked * 160 : (locked + 1) * 160] = 0
    assert _first_realignment(line.caller, line.played) == (locked + 1, (0, True))


def _first_realignment(caller: Sound, played: Sound) -> tuple[int, tuple[int, bool]]:
    made: list[Realignments] = []

    def factory(slots: int, rate: int) -> Realignments:
        made.append(Realignments(slots, rate))
        return made[0]

    bank = Bank(1, canceller=factory)
    bank.open(0)
    for tick, frames in enumerate(zip(ticks([caller]), ticks([played]), strict=True)):
        bank.step(*frames)
        if made[0].noted:
            return tick, made[0].noted[0]
    raise AssertionError("no echo was found")


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_reference_that_does_not_continue_realigns_the_canceller(rate_hz: int) -> None:
    made: list[Realignments] = []

    def factory(slots: int, rate: int) -> Realignments:
        made.append(Realignments(slots, rate))
        return made[0]

    bank, size = Bank(2, rate_hz, canceller=factory), rate_hz // 50
    bank.open(1)
    bot = pcm(speechlike(np.random.default_rng(4), 8.0))
    line = echo_line(bot, 4.04 * rate_hz / 8000)
    both = [ticks([0 * side, side], size) for side in (line.caller, line.played)]
    for caller, played in zip(*both, strict=True):
        bank.step(caller, played)
    noted = made[0].noted
    assert noted[0] == (1, True)  # the tracker's lock
    block = np.zeros((2, size), np.int16)
    noted.clear()
    sound = np.stack([np.zeros(size, np.int16), np.arange(size, dtype=np.int16)])
    bank.step(sound, block)
    assert noted == []
    before = np.concatenate([part[1] for part in made[0].references[-7:]])
    bank.step(block, block, np.array([0, size], np.int32))
    bank.step(sound, block)
    assert noted == [(1, False)]  # after the silence; the slip was in it
    assert np.array_equal(made[0].past, before)
