"""Cases run in real time: on a machine that stalls they show the machine, and are made again.

Two signs tell a machine that stalls: ticks that a pod missed, and what the witness beside the case
saw (stalls.py). Either may be missing: a process that stands still need not be the other one.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import pytest

from asterisk.measured import Measured
from asterisk.stalls import witness
from media_pod.duplex.contract import TICK_MS

TRIES: Final = 3
LATE_TICKS_THAT_SHOW: Final = 10
"""A fifth of a second in which a pod did not run; below that no figure changes."""
STALLED_MS_THAT_SHOW: Final = 200.0
"""As long, of the witness."""
MOST_DRY: Final = 0.001
"""Of all ticks of all telephones, beside those that a sign explains: nothing excuses more."""

_late: ContextVar[list[float]] = ContextVar("late ticks of the pods of this try")


class Verdict(Enum):
    """On runs in which no telephone should have had nothing to play."""

    PASSED = "passed"
    FAILED = "failed"
    AGAIN = "again"
    TOO_BUSY = "too busy"
    """The machine was, each time: no verdict on the pod."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run had of ticks without sound, and of signs that the machine stalled."""

    telephones: int
    dry_ticks: int
    ticks: int
    """Of all telephones together."""
    late_ticks: float
    """Of the pod."""
    stalled_ms: float
    """All stalls that the witness saw."""

    @property
    def disturbed(self) -> bool:
        """The machine stalled."""
        return bool(self.late_ticks or self.stalled_ms)

    @property
    def too_dry(self) -> bool:
        """More than another run excuses.

        A tick in which the pod, Asterisk or the telephones' own process stands still is one of
        every telephone; how many the pod may miss has a limit elsewhere.
        """
        explained = self.telephones * (self.late_ticks + self.stalled_ms / TICK_MS)
        return self.dry_ticks - explained > MOST_DRY * self.ticks


def verdict(runs: Sequence[Run]) -> Verdict:
    """On the runs made so far, at least one; AGAIN asks for another one.

    A run without a dry tick passes, whatever the machine did. Few dry ticks are worth another run,
    because a process may stand still that neither sign shows. When all runs had some, each of them
    must have an excuse.
    """
    last = runs[-1]
    if last.dry_ticks == 0:
        return Verdict.PASSED
    if last.too_dry:
        return Verdict.FAILED
    if len(runs) < TRIES:
        return Verdict.AGAIN
    return Verdict.TOO_BUSY if all(run.disturbed for run in runs) else Verdict.FAILED


def note(late_ticks: float) -> None:
    """A pod has missed so many ticks."""
    if (seen := _late.get(None)) is not None:
        seen.append(late_ticks)


def shows(late_ticks: Sequence[float], stalled_ms: float) -> bool:
    """Whether the machine stalled so much that it changes figures.

    Args:
        late_ticks: of each pod.
        stalled_ms: all that the witness saw.
    """
    return max(late_ticks, default=0) > LATE_TICKS_THAT_SHOW or stalled_ms > STALLED_MS_THAT_SHOW


def in_real_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Makes a case again if it failed while the machine stalled; after `TRIES` it is skipped.

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
            async with witness() as machine:
                failure = await _failure(test(tmp_path=folder, **fixtures))
            if failure is None:
                return
            if not shows(late, machine.total_ms):
                raise failure
            del measured.rows[rows:]
        pytest.skip(
            f"this machine was too busy {TRIES} times: a pod missed {max(late, default=0):.0f} "
            f"ticks, and beside it there were {machine}"
        )

    return tried


async def _failure(case: Awaitable[None]) -> AssertionError | TimeoutError | None:
    try:
        await case
    except (AssertionError, TimeoutError) as failure:
        return failure
    return None
