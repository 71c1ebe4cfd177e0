"""The instrument checked with detectors whose scores are known beforehand."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.call_record import MEANT_FOR_THE_BOT
from interject_lab.scoring.field import measure
from interject_lab.scoring.figures import ROW, CallRow
from interject_lab.scoring.suite_scores import SuiteScores, pool
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.suite.document import Suite
from interject_lab.suite.draw import SuiteCall, draw_call
from interject_lab.suite.run import read_rows
from interject_lab.telephones.caller import Caller
from interject_lab.virtual import VirtualCall, run
from lab.conftest import small_material
from lab.suite.instruments import DeafBank, HandsOut, InstrumentBank, RandomBank, StopsAt
from lab.suite.rows import call_row, interruption
from media_pod.duplex.contract import TICK_MS, Decision, Pcm
from media_pod.errors import SetupError

RATE_HZ = 8000
SUITE = Suite.model_validate({"name": "instruments", "seconds": 30.0}, by_alias=True)
SHORT = SUITE.model_copy(update={"seconds": 8.0})
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
    return [draw_call(suite, small_material("test"), seed, number) for number in range(calls)]


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
            made_of="",
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
            "seconds": 20.0,
            "caller": SUITE.caller.model_copy(update={"events": {"none": 1.0}}),
        }
    )
    calls = draw(6, suite=suite)
    scores = score(RandomBank(6, RATE_HZ), calls, suite)
    per_hour = RandomBank.PER_TICK * 3600 * 1000 / TICK_MS
    low, high = scores.figures["false_per_hour"].low, scores.figures["false_per_hour"].high
    assert low is not None
    assert high is not None
    assert low < per_hour < high
    assert high < 3 * low


def test_the_same_seed_draws_the_same_call_and_another_one_does_not() -> None:
    one, same, other = (
        rows(DeafBank(2, RATE_HZ), draw(2, seed, SHORT), SHORT) for seed in (5, 5, 6)
    )
    assert [ROW.dump_json(row) for row in one] == [ROW.dump_json(row) for row in same]
    assert one[0].conditions != other[0].conditions


def test_a_call_scores_the_same_alone_as_among_others() -> None:
    together = rows(DeafBank(3, RATE_HZ), draw(3, suite=SHORT), SHORT)
    alone = rows(DeafBank(1, RATE_HZ), draw(3, suite=SHORT)[2:], SHORT)
    assert together[2].figures == alone[0].figures


def test_a_row_survives_the_file() -> None:
    stepped = SHORT.line.delay.model_copy(update={"step_share": 1.0, "steps_per_minute": (30, 30)})
    line = SHORT.line.model_copy(update={"delay": stepped})
    suite = SHORT.model_copy(update={"line": line})
    (row,) = rows(RandomBank(1, RATE_HZ), draw(1, suite=suite), suite)
    assert row.conditions["steps"]
    assert ROW.validate_json(ROW.dump_json(row)) == row


@pytest.fixture(scope="module")
def found() -> list[CallRow]:
    return rows(RandomBank(CALLS, RATE_HZ), draw())


@pytest.mark.parametrize("kept", [0, 3, 10])
def test_an_interval_holds_its_figure(found: list[CallRow], kept: int) -> None:
    for figure in pool(found * (kept + 1)).figures.values():
        if figure.low is not None and figure.high is not None and figure.value is not None:
            assert figure.low <= figure.value <= figure.high


def test_a_quantile_is_the_nearest_rank_and_calls_without_a_value_do_not_move_it() -> None:
    stops_ms = [100.0 * number for number in range(1, 21)]
    calls = [call_row(number, interruption(10, ms)) for number, ms in enumerate(stops_ms)]
    figures = pool(calls).figures
    assert (figures["stop_p50_ms"].value, figures["stop_p95_ms"].value) == (400.0, 800.0)
    silent = [call_row(1 + number) for number in range(20)]
    one = pool([call_row(0, interruption(10, 300.0), interruption(20, 500.0)), *silent])
    assert one.figures["stop_p95_ms"].low == one.figures["stop_p95_ms"].high == 500.0


def test_what_always_happened_may_not_always_happen_and_one_call_tells_no_interval() -> None:
    calls = [call_row(number, interruption(10, None)) for number in range(30)]
    missed = pool(calls).figures["missed_percent"]
    assert (missed.value, missed.low, missed.high) == (100, 90, 100)
    few = pool(calls[:2]).figures["missed_percent"]
    assert (few.low, few.high) == (0, 100)
    heard = pool([call_row(0, interruption(10, 300.0)), call_row(1)]).figures["missed_percent"]
    assert (heard.value, heard.low, heard.high) == (0, 0, 100)
    alone = pool(calls[:1]).figures["false_ducks_per_hour"]
    assert (alone.value, alone.low, alone.high) == (200, None, None)


def test_calls_in_which_no_delay_was_found_count_unless_the_rule_finds_none() -> None:
    found, never = call_row(0), call_row(1)
    never = replace(never, figures=replace(never.figures, locked_share=0.0))
    assert pool([found, never]).figures["locked_percent"].value == pytest.approx(45.65)
    assert pool([never, never]).figures["locked_percent"].value is None


def test_a_stop_between_two_words_counts_as_while_the_bot_speaks() -> None:
    word, gap = np.full(4000, 3000, np.int16), np.zeros(1600, np.int16)
    bot = ScriptedBot([np.concatenate([word, gap, word])], RATE_HZ, start_s=0.0)
    (call,) = draw(1, suite=SHORT)
    nobody = Caller((), RATE_HZ)
    bank = StopsAt(1, RATE_HZ, at_s=0.6)
    (result,) = run(bank, [VirtualCall(call.line, nobody, bot)], 3.0)
    (stop,) = measure(result, (), 0.0).false_stops
    assert stop.bot_spoke_s == pytest.approx(0.62, abs=0.03)


def test_a_bank_that_hands_out_its_input_keeps_nothing_of_the_next_tick() -> None:
    (call,) = draw(1, suite=SHORT)
    bot = ScriptedBot(call.utterances, RATE_HZ)
    (result,) = run(HandsOut(1, RATE_HZ), [VirtualCall(call.line, call.caller, bot)], 3.0)
    np.testing.assert_array_equal(result.trace.cleaned, result.trace.caller)


def test_conditions_name_what_the_line_has_and_not_what_the_material_lacks() -> None:
    line = SHORT.line.model_copy(
        update={"paths": {"measured": 1.0}, "backgrounds": {"recorded": 1.0}}
    )
    (call,) = draw(1, suite=SHORT.model_copy(update={"line": line}))
    assert call.conditions["path"] == "room"
    assert call.conditions["background"] == "white"


def test_a_line_that_was_cut_off_is_left_out_and_a_file_of_something_else_is_refused(
    tmp_path: Path,
) -> None:
    whole = ROW.dump_json(call_row(0)).decode()
    path = tmp_path / "results.jsonl"
    path.write_text(f"{whole}\n{whole[:50]}")
    assert len(read_rows(path)) == 1
    path.write_text("a page of text\n")
    with pytest.raises(SetupError, match="line 1: found 'a page of text'"):
        read_rows(path)
