import math

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.errors import LabError
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import hybrid
from interject_lab.rules.cancellation import NaiveBank
from interject_lab.scoring.score import score
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.virtual import Duck, ScriptedBot, VirtualCall, VirtualResult, run
from lab.conftest import Talk
from media_pod.call.duck_gain import DuckGain
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
        # Decided within the tick that carries the onset, silent from the next one on.
        assert figures.onset_to_silence_p50_ms in (20.0, 40.0)


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


FIRST = np.full(1600, 1000, np.int16)
SECOND = np.full(1600, 2000, np.int16)


def make() -> ScriptedBot:
    return ScriptedBot([FIRST, SECOND], 8000, start_s=0.1, pause_s=0.2, quiet_s=0.3)


def run_bot(bot: ScriptedBot, decisions: list[Decision]) -> NDArray[np.int64]:
    """The level of each tick."""
    levels = []
    for decision in decisions:
        levels.append(int(np.max(bot.frame())))
        bot.decide(decision)
    return np.array(levels)


def test_left_alone_it_says_its_list_over_and_over() -> None:
    levels = run_bot(make(), [Decision.NONE] * 65)
    expected = [0] * 5 + ([1000] * 10 + [0] * 10 + [2000] * 10 + [0] * 10) * 2
    assert levels.tolist() == expected[:65]


def test_the_caller_stops_it_at_the_next_tick_and_it_goes_on_with_the_next_utterance() -> None:
    bot = make()
    caller_talks = [Decision.NONE] * 8 + [Decision.CALLER] * 10 + [Decision.NONE] * 20
    levels = run_bot(bot, caller_talks)
    assert levels[5:9].tolist() == [1000] * 4
    assert np.all(levels[9:33] == 0)
    assert np.all(levels[33:] == 2000)
    assert bot.stop_samples == (9 * 160,)


def test_an_onset_ducks_it_by_15_db_and_does_not_stop_it() -> None:
    bot = make()
    levels = run_bot(bot, [Decision.NONE] * 6 + [Decision.ONSET] * 4)
    assert levels[6] == 1000
    assert np.all(levels[8:] == round(1000 * 10 ** (-15 / 20)))
    assert bot.stop_samples == ()


def test_a_caller_who_speaks_while_it_is_silent_is_not_a_stop() -> None:
    bot = make()
    run_bot(bot, [Decision.CALLER] * 3)
    assert bot.stop_samples == ()


def test_the_lab_ducks_as_a_pods_playout_does(talk: Talk) -> None:
    speech = talk(1.0)
    lab, pod = Duck(8000), DuckGain(8000)
    for tick, start in enumerate(range(0, speech.size, 160)):
        lab.on = pod.ducked = 5 <= tick < 20 or 24 <= tick < 26
        frame = speech[start : start + 160]
        np.testing.assert_allclose(lab(frame), pod.apply(frame), atol=1)
