"""Cases run in real time: on a machine that stalls they show the machine, and are made again."""

import functools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import pytest

from asterisk.measured import Measured

TRIES: Final = 3
LATE_TICKS_THAT_SHOW: Final = 10
"""A fifth of a second in which a pod did not run; below that no figure changes."""

_late: ContextVar[list[float]] = ContextVar("late ticks of the pods of this try")


def note(late_ticks: float) -> None:
    """A pod has missed so many ticks."""
    if (seen := _late.get(None)) is not None:
        seen.append(late_ticks)


def in_real_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Makes a case again if it failed while a pod missed ticks; after `TRIES` it is skipped.

    A case that fails undisturbed has failed, and one that passes although it was disturbed has
    passed. Each try has a folder and rows of its own.
    """

    @functools.wraps(test)
    async def tried(tmp_path: Path, **fixtures: Any) -> None:
        measured: Measured = fixtures["measured"]
        for attempt in range(TRIES):
            folder, rows = tmp_path / str(attempt), len(measured.rows)
            folder.mkdir()
            late: list[float] = []
            _late.set(late)
            try:
                return await test(tmp_path=folder, **fixtures)
            except (AssertionError, TimeoutError):
                if max(late, default=0) <= LATE_TICKS_THAT_SHOW:
                    raise
                del measured.rows[rows:]
        pytest.skip(f"a pod missed {max(late):.0f} ticks: this machine was too busy {TRIES} times")

    return tried
