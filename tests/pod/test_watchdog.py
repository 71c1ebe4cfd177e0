"""A clock that stands still ends its process; a machine that stands still ends none."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from media_pod.pod.watchdog import EXIT_CODE, PATIENCE_WAKES, Watchdog

HANGS = """
import time
from media_pod.pod.watchdog import Watchdog
def stuck_in_a_tool():
    time.sleep(60)
with Watchdog(lambda: 7, patience_wakes=2):
    stuck_in_a_tool()
"""


@given(st.lists(st.integers(0, PATIENCE_WAKES - 1), max_size=20))
def test_any_tick_in_time_is_a_sign_of_life(wakes_between: list[int]) -> None:
    ticks = [0]
    watchdog = Watchdog(lambda: ticks[0])
    for wakes in wakes_between:
        assert not any(watchdog.wake() for _ in range(wakes))
        ticks[0] += 1
        assert not watchdog.wake()


def test_a_clock_without_a_tick_for_too_many_wakes_hangs() -> None:
    ticks = [5]
    watchdog = Watchdog(lambda: ticks[0])
    ticks[0] += 1
    assert [watchdog.wake() for _ in range(PATIENCE_WAKES + 1)].index(True) == PATIENCE_WAKES


def test_a_machine_that_stalls_for_minutes_is_one_wake() -> None:
    """The witness sleeps as long as the clock does: the time that has passed counts for nothing."""
    watchdog = Watchdog(lambda: 5)
    assert not any(watchdog.wake() for _ in range(PATIENCE_WAKES - 1))


def test_a_process_that_hangs_ends_and_says_where() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == EXIT_CODE
    assert "the clock has not ticked for 0.2 s" in done.stderr
    assert "in stuck_in_a_tool" in done.stderr


def test_a_watchdog_that_is_not_needed_any_more_lets_go() -> None:
    hung: list[float] = []
    with Watchdog(lambda: 7, hung.append, patience_wakes=1000):
        pass
    assert hung == []
