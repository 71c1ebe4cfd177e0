import math

import numpy as np
import pytest

from interject_lab.errors import LabError
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import hybrid
from interject_lab.rules.cancellation import NaiveBank
from interject_lab.scoring.score import score
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.virtual import VirtualCall, VirtualResult, run
from lab.conftest import Talk
from media_pod.duplex.contract import Decision, DuplexBank, Pcm, Step


class LoudBank:
    """Takes any loud caller for an interruption: right on a line without echo."""

    rate = 8000

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.opened: list[int] = []

    def open(self, slot: int, phase: int = 0) -> None:
        self.opened.append(slot)

    def close(self, slot: int) -> None:
        self.opened.remove(slot)

    def step(self, caller: Pcm, played: Pcm, slipped: object = None) -> Step:
        loud = np.abs(caller).max(axis=1) > 500
        zeros = np.zeros(self.slots, np.float32)
        return Step(
            cleaned=caller.copy(),
            speech=loud.astype(np.float32),
            decision=np.where(loud, Decision.CALLER, Decision.NONE).astype(np.int8),
            delay_ms=zeros + 250,
            delay_confidence=zeros + 1,
            erle_db=zeros,
            reason=np.zeros(self.slots, np.int8),
        )


def make_call(talk: Talk, seed: int, erl_db: float = math.inf) -> VirtualCall:
    rng = np.random.default_rng(seed)
    bot = talk(3.0, seed=seed)
    line = TelephoneLine(
        8000,
        hybrid(rng),
        erl_db=erl_db,
        delays=[DelayStep(0, 250)],
        bot_speech=bot,
        noise_dbfs=-65.0,
        rng=rng,
    )
    plan = [PlannedUtterance("wait", talk(0.5, seed=seed + 1), Cue.BOT_SPEAKING, 1.0)]
    return VirtualCall(line, Caller(plan, 8000), ScriptedBot([bot], 8000))


def run_calls(
    bank: DuplexBank, talk: Talk, *, duration_s: float = 6.0, **changes: float
) -> list[VirtualResult]:
    return run(bank, [make_call(talk, seed, **changes) for seed in range(2)], duration_s)


def test_an_interruption_stops_the_bot_one_tick_after_the_decision(talk: Talk) -> None:
    bank = LoudBank(3)
    results = run_calls(bank, talk)
    assert bank.opened == []
    for result in results:
        (spoken,) = result.record.spoken
        assert spoken.interrupts
        figures = score("loud", result.record, result.stop_samples, result.trace)
        assert (figures.heard, figures.missed, figures.false_barge_ins) == (1, 0, 0)
        # Decided within the tick that carries the onset, silent after the next one, the fade.
        assert figures.onset_to_silence_p50_ms in (40.0, 60.0)


def test_echo_stops_a_bot_that_cannot_tell_it_from_the_caller(talk: Talk) -> None:
    for result in run_calls(LoudBank(2), talk, erl_db=6.0):
        figures = score("loud", result.record, result.stop_samples, result.trace)
        assert figures.false_barge_ins >= 1


def test_a_run_is_repeatable_from_its_seeds(talk: Talk) -> None:
    first, again = (
        run_calls(NaiveBank(2, 8000), talk, erl_db=12.0, duration_s=3.0) for _ in range(2)
    )
    assert any(one.stop_samples for one in first), "nothing happens in these calls"
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.record.caller, other.record.caller)
        np.testing.assert_array_equal(one.trace.speech, other.trace.speech)
        assert one.stop_samples == other.stop_samples


def test_the_traces_have_a_row_per_tick_and_the_true_delay(talk: Talk) -> None:
    result = run_calls(LoudBank(2), talk)[0]
    assert result.record.caller.size == result.record.bot.size == result.trace.cleaned.size
    assert result.trace.speech.size == 300
    assert np.all((result.trace.true_delay_ms >= 250) & (result.trace.true_delay_ms < 257))


def test_more_calls_than_slots_say_so(talk: Talk) -> None:
    with pytest.raises(LabError, match="2 calls for a bank of 1 slots: make it larger"):
        run_calls(LoudBank(1), talk)
