"""What excuses a case on the real Asterisk that failed: the signs of a machine that stalls."""

import pytest
from asterisk.real_time import TRIES, Run, Verdict, shows, verdict
from asterisk.stalls import Stalls, count, witness

TICKS = 60_000
CALLS = 20
CLEAN = Run(CALLS, 0, TICKS, late_ticks=0, stalled_ms=0)
DRY = Run(CALLS, 2, TICKS, late_ticks=0, stalled_ms=0)
LATE = Run(CALLS, 15 * CALLS, TICKS, late_ticks=15, stalled_ms=0)
STALLED = Run(CALLS, 4 * CALLS, TICKS, late_ticks=0, stalled_ms=80)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([CLEAN], Verdict.PASSED),
        ([Run(CALLS, 0, TICKS, late_ticks=3, stalled_ms=90)], Verdict.PASSED),
        ([DRY], Verdict.AGAIN),
        ([LATE, STALLED], Verdict.AGAIN),
        ([DRY, CLEAN], Verdict.PASSED),
        ([LATE, STALLED, LATE], Verdict.TOO_BUSY),
        ([LATE, DRY, STALLED], Verdict.FAILED),
        ([Run(CALLS, 61, TICKS, late_ticks=0, stalled_ms=0)], Verdict.FAILED),
        ([Run(CALLS, 61 + 10 * CALLS, TICKS, late_ticks=9, stalled_ms=20)], Verdict.FAILED),
    ],
)
def test_dry_ticks_are_excused_by_a_busy_machine_while_they_are_few(
    runs: list[Run], found: Verdict
) -> None:
    assert len(runs) <= TRIES
    assert verdict(runs) is found


def test_either_sign_of_a_stall_is_enough_and_little_of_both_is_not() -> None:
    assert shows([0, 11], 0)
    assert shows([], 201)
    assert not shows([10, 10], 200)


def test_a_nap_of_more_than_a_tick_is_a_stall() -> None:
    naps = iter([False, False, False, True])
    times_ms = iter([0.0, 5.1, 25.1, 46.1, 86.1])
    stalls = count(lambda: next(naps), lambda: round(next(times_ms) * 1e6))
    assert str(stalls) == "2 stalls, 61 ms, the longest 40 ms"


async def test_the_witness_counts_until_its_case_is_over_however_it_ends() -> None:
    with pytest.raises(AssertionError, match="the case"):
        async with witness() as machine:
            machine.add(Stalls(1, 21.0, 21.0))
            raise AssertionError("the case")
    assert machine.number >= 1
