import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.rules.cancellation import NaiveBank
from interject_lab.rules.half_duplex import HalfDuplexBank
from media_pod.duplex.contract import Decision, DuplexBank, Pcm, Reason, Step
from media_pod.duplex.ring import Audio

SPEAK = np.full((2, 160), 4000, np.int16)
QUIET = np.zeros((2, 160), np.int16)


class LoudnessVad:
    """Takes anything loud for speech."""

    def open(self, slot: int, phase: int = 0) -> None: ...

    def close(self, slot: int) -> None: ...

    def step(self, pcm: Pcm) -> NDArray[np.float32]:
        return np.where(np.abs(pcm).max(axis=1) > 1000, 0.9, 0.1).astype(np.float32)


class PerfectCanceller:
    """Subtracts the reference as it is: right only for an echo without delay and loss."""

    delay_samples = 0

    def open(self, slot: int, phase: int = 0) -> None: ...

    def close(self, slot: int) -> None: ...

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None: ...

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        return caller - reference


def half_duplex() -> HalfDuplexBank:
    return HalfDuplexBank(2, 8000, vad=LoudnessVad())


def naive() -> NaiveBank:
    return NaiveBank(2, 8000, vad=LoudnessVad(), canceller=PerfectCanceller())


def run(bank: DuplexBank, caller: Pcm, played: Pcm, ticks: int) -> list[Step]:
    return [bank.step(caller, played) for _ in range(ticks)]


def decisions(steps: list[Step], slot: int = 0) -> list[int]:
    return [int(step.decision[slot]) for step in steps]


@pytest.mark.parametrize("make", [half_duplex, naive])
def test_four_windows_of_speech_are_the_caller_until_it_is_quiet(make: type[DuplexBank]) -> None:
    bank: DuplexBank = make()
    bank.open(0)
    talking = decisions(run(bank, SPEAK, QUIET, 10))
    assert talking == [Decision.ONSET] * 5 + [Decision.CALLER] * 5
    quiet = decisions(run(bank, QUIET, QUIET, 20))
    assert quiet == [Decision.CALLER] * 14 + [Decision.NONE] * 6


@pytest.mark.parametrize("make", [half_duplex, naive])
def test_a_closed_slot_stays_zero(make: type[DuplexBank]) -> None:
    bank: DuplexBank = make()
    bank.open(0)
    last = run(bank, SPEAK, QUIET, 10)[-1]
    for field in (last.speech, last.decision, last.delay_ms, last.erle_db, last.reason):
        assert field[1] == 0


def test_half_duplex_is_deaf_while_the_bot_talks_and_a_little_longer() -> None:
    bank = half_duplex()
    bank.open(0)
    assert decisions(run(bank, SPEAK, SPEAK, 50)) == [Decision.NONE] * 50
    after = run(bank, SPEAK, QUIET, 40)
    assert decisions(after[:19]) == [Decision.NONE] * 19
    assert decisions(after)[-1] == Decision.CALLER
    assert after[0].reason[0] == Reason.ECHO_EXPLAINED
    assert after[-1].reason[0] == Reason.SPEECH_NO_ECHO


def test_naive_hears_a_late_echo_as_the_caller() -> None:
    bank = naive()
    bank.open(0)
    in_time = run(bank, SPEAK, SPEAK, 20)
    assert Decision.CALLER not in decisions(in_time)
    assert in_time[-1].erle_db[0] > 30
    late = run(bank, SPEAK, QUIET, 20)
    assert late[-1].decision[0] == Decision.CALLER
    assert late[-1].reason[0] == Reason.SPEECH_OVER_ECHO
    assert np.isnan(late[-1].delay_ms[0])


def test_the_real_pieces_take_a_step() -> None:
    noise = np.random.default_rng(1).integers(-300, 300, (2, 160)).astype(np.int16)
    for bank in (HalfDuplexBank(2, 8000), NaiveBank(2, 8000)):
        bank.open(1)
        steps = run(bank, noise, QUIET, 30)
        assert Decision.CALLER not in decisions(steps, slot=1)
        bank.close(1)
        assert bank.step(noise, QUIET).speech[1] == 0
