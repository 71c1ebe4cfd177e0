"""What excuses a case in real time: stalls that an independent witness saw, frame by frame."""

import os
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from interject_lab.call_record import UNDERRUN, CallRecord
from real_time.retry import again_if_stalled, in_real_time, note
from real_time.verdict import AFTER_STALL_MS, TRIES, Run, Verdict, run, verdict
from real_time.witness import Beside, Stalls, record, record_ticks, witness

TICK_NS = 20_000_000
START_NS = 10**12
TICKS = 2000
CALM = Stalls()
CLEAN = Run(TICKS, dry=0, unexcused=0, judged=1.0)
FEW = Run(TICKS, dry=2, unexcused=2, judged=1.0)
EXCUSED = Run(TICKS, dry=40, unexcused=0, judged=0.97)
STANDING = Run(TICKS, dry=900, unexcused=0, judged=0.5)


def call(*dry: range, late_ns: int = 0) -> CallRecord:
    """A call with nothing to play in the ticks `dry`, which began `late_ns` after `START_NS`."""
    played = np.arange(TICKS, dtype=np.int64) * 160
    for ticks in dry:
        played[list(ticks)] = UNDERRUN
    nothing = np.zeros(0, np.int16)
    return CallRecord(
        rate_hz=8000,
        caller=nothing,
        bot=nothing,
        caller_sent_ns=START_NS + np.arange(TICKS, dtype=np.int64) * TICK_NS + late_ns,
        bot_arrived_ns=np.zeros(0, np.int64),
        bot_played_sample=played,
        line_delay_ms=np.zeros(0, np.float32),
        spoken=(),
        ended="the caller hung up",
    )


def stall(first_tick: int, ticks: int) -> tuple[int, int]:
    begin_ns = START_NS + first_tick * TICK_NS
    return begin_ns, begin_ns + ticks * TICK_NS


def test_a_pod_that_misses_500_ticks_beside_a_calm_witness_fails() -> None:
    judged = run([call(range(700, 1200))], CALM)
    assert (judged.dry, judged.unexcused) == (500, 500)
    assert verdict([judged]) is Verdict.FAILED


def test_a_stall_that_the_witness_saw_excuses_exactly_its_frames() -> None:
    after = int(AFTER_STALL_MS * 1e6) // TICK_NS
    stalls = Stalls([stall(700, 10)])
    judged = run([call(range(698, 713 + after))], stalls)
    assert (judged.dry, judged.unexcused) == (15 + after, 2 + 2)
    assert verdict([run([call(range(700, 711))], stalls)]) is Verdict.PASSED
    assert verdict([run([call(range(700, 711), range(1500, 1510))], stalls)]) is Verdict.FAILED


def test_frames_of_each_telephone_are_judged_by_its_own_clock() -> None:
    stalls = Stalls([stall(700, 10)])
    shifted = call(range(600, 605), late_ns=100 * TICK_NS)
    assert run([shifted, call(range(700, 705))], stalls).unexcused == 0
    assert run([call(range(600, 605))], stalls).unexcused == 5


def test_a_call_that_never_sounds_has_nothing_to_play_in_any_tick() -> None:
    assert run([call(range(TICKS))], CALM).unexcused == TICKS


def test_what_is_before_the_first_sound_does_not_count() -> None:
    assert run([call(range(40))], CALM).dry == 0


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([CLEAN], Verdict.PASSED),
        ([EXCUSED], Verdict.PASSED),
        ([FEW], Verdict.AGAIN),
        ([FEW, CLEAN], Verdict.PASSED),
        ([FEW, FEW, FEW], Verdict.FAILED),
        ([Run(TICKS, dry=3, unexcused=3, judged=1.0)], Verdict.FAILED),
        ([Run(TICKS, dry=900, unexcused=3, judged=0.5)], Verdict.FAILED),
        ([STANDING], Verdict.AGAIN),
        ([STANDING, STANDING, STANDING], Verdict.TOO_BUSY),
        ([STANDING, STANDING, FEW], Verdict.FAILED),
    ],
)
def test_few_unexcused_ticks_are_worth_another_run_and_many_never(
    runs: list[Run], found: Verdict
) -> None:
    assert len(runs) <= TRIES
    assert verdict(runs) is found


def test_a_sleep_of_more_than_a_tick_is_a_stall() -> None:
    sleeps = iter([False, False, False, True])
    times_ms = iter([0.0, 5.1, 25.1, 46.1, 86.1])
    stalls = record(lambda: next(sleeps), lambda: round(next(times_ms) * 1e6))
    assert stalls.spans_ns == [(25_100_000, 46_100_000), (46_100_000, 86_100_000)]
    assert str(stalls) == "2 stalls, 61 ms in total, longest 40 ms"


def test_the_witness_records_until_its_case_is_over_however_it_ends() -> None:
    seen = Stalls([(1, 21_000_001)])
    with pytest.raises(AssertionError, match="the case"), witness() as stalls:
        stalls.spans_ns += seen.spans_ns
        raise AssertionError("the case")
    assert stalls.spans_ns[:1] == seen.spans_ns


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Stalls:
    """What the witness reports; calm unless the test adds to it."""
    stalls = Stalls()
    monkeypatch.setattr("real_time.retry.witness", lambda: nullcontext(stalls))
    return stalls


async def failing(tmp_path: Path, measured: object) -> None:
    note(500)
    raise AssertionError("not heard")


async def slow(tmp_path: Path, measured: object) -> None:
    note(500)


async def test_a_case_that_fails_beside_a_calm_witness_fails_whatever_the_pod_missed(
    machine: Stalls, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="not heard"):
        await in_real_time(failing)(tmp_path=tmp_path, measured=SimpleNamespace(rows=[]))


async def test_a_case_whose_pod_misses_500_ticks_beside_a_calm_witness_fails(
    machine: Stalls, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match="missed 500 ticks"):
        await in_real_time(slow)(tmp_path=tmp_path, measured=SimpleNamespace(rows=[]))


async def test_a_case_that_fails_in_every_try_while_the_machine_stalls_is_skipped(
    machine: Stalls, tmp_path: Path
) -> None:
    machine.spans_ns.append((0, 201_000_000))
    rows = SimpleNamespace(rows=[])
    with pytest.raises(pytest.skip.Exception, match="1 stalls, 201 ms"):
        await in_real_time(failing)(tmp_path=tmp_path, measured=rows)
    assert len(os.listdir(tmp_path)) == TRIES


def test_a_part_of_a_case_is_made_again_only_beside_a_stall(machine: Stalls) -> None:
    outcomes = iter([False, True])

    def part() -> int:
        assert next(outcomes)
        return 7

    with pytest.raises(AssertionError):
        again_if_stalled(part)
    machine.spans_ns.append((0, 201_000_000))
    outcomes = iter([False, True])
    assert again_if_stalled(part) == 7


def test_a_witness_in_a_group_that_is_gone_watches_all_the_same(tmp_path: Path) -> None:
    with witness([Beside((tmp_path / "gone",), work_ms=1.0), Beside()]) as stalls:
        time.sleep(0.05)
    assert stalls.total_ms < 10_000


def test_a_tick_whose_work_is_a_period_late_was_stalled_and_late_ticks_are_skipped() -> None:
    now_ms = 0.0
    works_ms = iter([1.0, 19.0, 45.0, 1.0, 1.0])
    begun_ms: list[float] = []

    def tick(sleep_s: float) -> bool:
        nonlocal now_ms
        now_ms += sleep_s * 1000
        begun_ms.append(round(now_ms))
        now_ms += next(works_ms)
        return len(begun_ms) == 5

    stalls = record_ticks(tick, lambda: round(now_ms * 1e6))
    assert begun_ms == [20, 40, 60, 120, 140]
    assert stalls.spans_ns == [(60_000_000, 105_000_000)]


def test_what_two_witnesses_saw_at_a_time_counts_once() -> None:
    stalls = Stalls([(0, 30_000_000), (100_000_000, 130_000_000), (10_000_000, 50_000_000)])
    assert stalls.total_ms == 80
