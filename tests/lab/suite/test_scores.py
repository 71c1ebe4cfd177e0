"""The instrument checked with detectors whose scores are known beforehand."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.call_record import MEANT_FOR_THE_BOT
from interject_lab.material.corpus import load
from interject_lab.scoring.field import measure
from interject_lab.scoring.figures import ROW, CallRow
from interject_lab.scoring.suite_scores import SuiteScores, pool
from interject_lab.suite.document import Suite
from interject_lab.suite.draw import SuiteCall, draw_call
from interject_lab.virtual import ScriptedBot, VirtualCall, run
from lab.suite.instruments import DeafBank, InstrumentBank, RandomBank
from media_pod.duplex.contract import TICK_MS, Decision, Pcm

RATE_HZ = 8000
SUITE = Suite.model_validate({"name": "instruments", "seconds": 30.0}, by_alias=True)
CALLS = 4


class PerfectBank(InstrumentBank):
    """Says CALLER while a sound that is meant for the bot goes on."""

    def __init__(self, calls: Sequence[SuiteCall]) -> None:
        super().__init__(len(calls), RATE_HZ)
        self._calls = calls

    def decide(self, caller: Pcm, played: Pcm) -> NDArray[np.int8]:
        heard = [self._hears(call) for call in self._calls]
        return np.where(heard, Decision.CALLER, Decision.NONE).astype(np.int8)

    @staticmethod
    def _hears(call: SuiteCall) -> bool:
        saying, begun = call.caller.saying, call.caller.spoken
        if saying is None or not begun or begun[-1].plan_index != saying:
            return False
        return call.sounds[saying].kind in MEANT_FOR_THE_BOT


def draw(calls: int = CALLS, seed: int = 5, suite: Suite = SUITE) -> list[SuiteCall]:
    material = load(None, RATE_HZ, "test")
    return [draw_call(suite, material, seed, number) for number in range(calls)]


def score(bank: InstrumentBank, calls: Sequence[SuiteCall], suite: Suite = SUITE) -> SuiteScores:
    return pool(rows(bank, calls, suite))


def rows(bank: InstrumentBank, calls: Sequence[SuiteCall], suite: Suite = SUITE) -> list[CallRow]:
    virtual = [
        VirtualCall(call.line, call.caller, ScriptedBot(call.utterances, RATE_HZ), call.phase)
        for call in calls
    ]
    results = run(bank, virtual, suite.seconds)
    return [
        CallRow(
            suite=suite.name,
            rule=type(bank).__name__,
            split="test",
            seed=5,
            call=call.number,
            conditions=dict(call.conditions),
            figures=measure(result, call.sounds, call.line.near_delay_samples * 1000 / RATE_HZ),
        )
        for call, result in zip(calls, results, strict=True)
    ]


def test_a_perfect_detector_scores_perfect() -> None:
    calls = draw()
    scores = score(PerfectBank(calls), calls)
    figures = scores.figures
    assert scores.interruptions >= 8
    assert figures["false_per_hour"].value == 0
    assert figures["missed_percent"].value == 0
    assert figures["backchannels_kept_percent"].value == 100
    assert figures["stops_per_noise_percent"].value == 0
    # It knows of the sound a moment before its onset arrives on a line that delays it.
    assert figures["stop_p95_ms"].value is not None
    assert figures["stop_p95_ms"].value <= 2 * TICK_MS


def test_a_deaf_detector_scores_deaf() -> None:
    scores = score(DeafBank(CALLS, RATE_HZ), draw())
    assert scores.figures["missed_percent"].value == 100
    assert scores.figures["backchannels_kept_percent"].value == 100
    assert scores.figures["false_per_hour"].value == 0
    assert scores.figures["stop_p50_ms"].value is None
    assert scores.figures["locked_percent"].value is None


def test_a_random_detector_scores_as_computed() -> None:
    suite = SUITE.model_copy(
        update={
            "name": "alone",
            "seconds": 30.0,
            "caller": SUITE.caller.model_copy(update={"events": {"none": 1.0}}),
        }
    )
    calls = draw(10, suite=suite)
    scores = score(RandomBank(10, RATE_HZ), calls, suite)
    per_hour = RandomBank.PER_TICK * 3600 * 1000 / TICK_MS
    low, high = scores.figures["false_per_hour"].low, scores.figures["false_per_hour"].high
    assert low is not None
    assert high is not None
    assert low < per_hour < high
    assert high < 3 * low


def test_the_same_seed_draws_the_same_call_and_another_one_does_not() -> None:
    one, same, other = (rows(DeafBank(2, RATE_HZ), draw(2, seed)) for seed in (5, 5, 6))
    assert [ROW.dump_json(row) for row in one] == [ROW.dump_json(row) for row in same]
    assert one[0].conditions != other[0].conditions


def test_a_call_scores_the_same_alone_as_among_others() -> None:
    together = rows(DeafBank(3, RATE_HZ), draw(3))
    alone = rows(DeafBank(1, RATE_HZ), draw(3)[2:])
    assert together[2].figures == alone[0].figures


def test_a_row_survives_the_file() -> None:
    (row,) = rows(RandomBank(1, RATE_HZ), draw(1))
    assert ROW.validate_json(ROW.dump_json(row)) == row


@pytest.mark.parametrize("kept", [0, 3, 10])
def test_an_interval_holds_its_figure(kept: int) -> None:
    calls = draw(4)
    found = rows(RandomBank(4, RATE_HZ), calls)
    for figure in pool(found * (kept + 1)).figures.values():
        if figure.low is not None and figure.high is not None and figure.value is not None:
            assert figure.low <= figure.value <= figure.high
