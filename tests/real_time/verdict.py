"""Whether telephones lacked audio because of the product or because of the machine.

Each tick in which a telephone had nothing to play is judged by itself: it is excused only if it was
due in a stall that the witness saw, or up to `AFTER_STALL_MS` after it. All others count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import UNDERRUN, CallRecord
from media_pod.duplex.contract import TICK_MS
from real_time.witness import Stalls

TRIES: Final = 3
AFTER_STALL_MS: Final = 200.0
"""A stall empties the telephone's buffer, which gets one frame deeper with each tick that finds
nothing to play: on a busy rig, ticks up to 170 ms after a stall still found nothing."""
MOST_DRY: Final = 0.001
"""Of all ticks of all telephones, not excused: another run is worth it up to here."""
LEAST_JUDGED: Final = 0.8
"""Of the time of a run, outside of stalls: with less, the run says too little."""

_TICK_NS: Final = TICK_MS * 1_000_000


class Verdict(Enum):
    """On runs in which every telephone should have had something to play in every tick."""

    PASSED = "passed"
    FAILED = "failed"
    AGAIN = "again"
    TOO_BUSY = "too busy"
    """The machine stood still for most of each run: no verdict on the product."""


def dry_ticks_ns(record: CallRecord) -> NDArray[np.int64]:
    """When each tick was due in which the telephone had nothing to play, from the first sound on.

    Without any sound, all ticks of the call.
    """
    due_ns, played = _due_ns(record), record.bot_played_sample
    sounding = np.flatnonzero(played != UNDERRUN)
    first = int(sounding[0]) if sounding.size else 0
    dry: NDArray[np.int64] = due_ns[first:][played[first:] == UNDERRUN]
    return dry


def _due_ns(record: CallRecord) -> NDArray[np.int64]:
    """[ticks] when each tick of the telephone was due, to one tick.

    A frame leaves in its tick or later; the promptest one tells where the ticks lie.
    """
    ticks_ns = np.arange(record.caller_sent_ns.size, dtype=np.int64) * _TICK_NS
    if not ticks_ns.size:
        return ticks_ns
    due_ns: NDArray[np.int64] = ticks_ns + (record.caller_sent_ns - ticks_ns).min()
    return due_ns


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the ticks of all its telephones together."""

    ticks: int
    dry: int
    """Ticks with nothing to play."""
    unexcused: int
    """Those of them that no stall explains."""
    judged: float
    """Share of the time of the run outside of stalls, 0 to 1."""

    def __str__(self) -> str:
        return (
            f"{self.ticks} ticks, {self.dry} with nothing to play, {self.unexcused} of them outside"
            f" of the machine's stalls, which took {1 - self.judged:.0%} of the time"
        )


def run(records: Sequence[CallRecord], stalls: Stalls) -> Run:
    """Judge the frames of calls against the stalls that the witness saw meanwhile."""
    dry_ns = [dry_ticks_ns(record) for record in records]
    dues_ns = [_due_ns(record) for record in records]
    ticks = sum(due.size for due in dues_ns)
    return Run(
        ticks=ticks,
        dry=sum(each.size for each in dry_ns),
        unexcused=sum(int((~_excused(each, stalls)).sum()) for each in dry_ns),
        judged=sum(int((~_excused(each, stalls)).sum()) for each in dues_ns) / max(ticks, 1),
    )


def verdict(runs: Sequence[Run]) -> Verdict:
    """On the runs so far, at least one; AGAIN asks for another one.

    Few unexcused ticks are worth another run, because a stall may be shorter than the witness sees.
    `TRIES` runs that all have some have failed.
    """
    last, over = runs[-1], len(runs) >= TRIES
    if last.unexcused > MOST_DRY * last.ticks:
        return Verdict.FAILED
    if last.judged < LEAST_JUDGED:
        return Verdict.TOO_BUSY if over else Verdict.AGAIN
    if last.unexcused == 0:
        return Verdict.PASSED
    return Verdict.FAILED if over else Verdict.AGAIN


def _excused(due_ns: NDArray[np.int64], stalls: Stalls) -> NDArray[np.bool_]:
    """[ticks] whether each lies in a stall or just after one."""
    excused = np.zeros(due_ns.size, np.bool_)
    for begin_ns, end_ns in stalls.spans_ns:
        excused |= (begin_ns <= due_ns) & (due_ns <= end_ns + AFTER_STALL_MS * 1e6)
    return excused
