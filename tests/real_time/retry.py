"""Cases that run in real time: one that fails while the machine stalls shows the machine.

Such a case is made again, `TRIES` times at most; then it is skipped. The witness alone excuses a
failure. What a pod reports of its own lateness does not: a pod that is too slow misses ticks, too.
"""

import functools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import pytest

from media_pod.duplex.contract import TICK_MS
from real_time.verdict import TRIES
from real_time.witness import Stalls, witness

STALLED_MS_THAT_SHOW: Final = 200.0
"""Of a case: below that no figure changes."""
MOST_LATE_TICKS: Final = 30
"""A pod that misses so many in a case, beside the time of stalls, is too slow."""

T = TypeVar("T")

_late: ContextVar[list[float]] = ContextVar("late ticks of the pods of this try")


def note(late_ticks: float) -> None:
    """A pod of this try has missed so many ticks."""
    if (seen := _late.get(None)) is not None:
        seen.append(late_ticks)


def excuses(stalls: Stalls) -> bool:
    """Whether the machine stalled so much that it changes figures."""
    return stalls.total_ms > STALLED_MS_THAT_SHOW


def check_late_ticks(late_ticks: float, stalls: Stalls) -> None:
    """Fail if a pod missed more ticks than the machine's stalls explain."""
    unexplained = late_ticks - stalls.total_ms / TICK_MS
    assert unexplained < MOST_LATE_TICKS, (
        f"a pod missed {late_ticks:.0f} ticks, and the witness saw {stalls}"
    )


def in_real_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Make an asynchronous case again if it failed while the machine stalled.

    A case that fails beside a calm witness has failed, and one that passes although the machine
    stalled has passed. Each try has a folder and rows of its own.
    """

    @functools.wraps(test)
    async def tried(tmp_path: Path, **fixtures: Any) -> None:
        measured = fixtures["measured"]
        for attempt in range(TRIES):
            folder, rows = tmp_path / str(attempt), len(measured.rows)
            folder.mkdir()
            late: list[float] = []
            _late.set(late)
            with witness() as stalls:
                failure = await _failure(test(tmp_path=folder, **fixtures))
            if failure is None:
                for ticks in late:
                    check_late_ticks(ticks, stalls)
                return
            if not excuses(stalls):
                raise failure
            del measured.rows[rows:]
        skip_too_busy(stalls, str(failure))

    return tried


def again_if_stalled(case: Callable[[], T]) -> T:
    """As `in_real_time`, for a part of a case that is not asynchronous."""
    for _ in range(TRIES):
        try:
            with witness() as stalls:
                return case()
        except AssertionError as error:
            failure = error
            if not excuses(stalls):
                raise
    skip_too_busy(stalls, failure)


def skip_too_busy(stalls: Stalls, failure: BaseException | str) -> NoReturn:
    """Skip the case: the machine stalled in each try."""
    last = (str(failure) or type(failure).__name__).splitlines()[0]
    pytest.skip(f"this machine stalled in {TRIES} tries; beside the last one {stalls}: {last}")


async def _failure(case: Awaitable[None]) -> AssertionError | TimeoutError | None:
    try:
        await case
    except (AssertionError, TimeoutError) as failure:
        return failure
    return None
