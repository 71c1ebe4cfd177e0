"""Whether callers missed a frame of what pods said, and whose fault it was.

A tick that a pod misses is a frame that is not sent, and on a machine that stalls there are some.
Calls in which one is missing are made again; what excuses how many is asterisk.real_time's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from asterisk.real_time import TRIES, Run, Verdict, verdict
from asterisk.stalls import witness

from cluster.callers import late_ticks
from interject_lab.call_record import UNDERRUN, CallRecord

LOOK_EVERY_S = 0.5
"""A pod that goes tells nothing any more; what it missed after the last look, the witness saw."""


def missing_frames(record: CallRecord) -> int:
    """Ticks after the first sound in which the telephone had nothing to play."""
    played = record.bot_played_sample
    begun = np.flatnonzero(played != UNDERRUN)
    return int(np.sum(played[int(begun[0]) :] == UNDERRUN)) if begun.size else played.size


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls as their telephones heard them, and what their pods missed meanwhile."""

    records: Sequence[CallRecord]
    late_ticks: float

    def run(self, stalled_ms: float) -> Run:
        """Its signs, beside what the witness saw."""
        return Run(
            telephones=len(self.records),
            dry_ticks=sum(map(missing_frames, self.records)),
            ticks=sum(record.bot_played_sample.size for record in self.records),
            late_ticks=self.late_ticks,
            stalled_ms=stalled_ms,
        )


@asynccontextmanager
async def watched(hosts: Collection[str]) -> AsyncIterator[dict[str, float]]:
    """The ticks that each pod has missed, by its address: as late as it still tells."""
    late = dict.fromkeys(hosts, 0.0)

    async def look() -> None:
        while True:
            for host in hosts:
                late[host] = max(late[host], await late_ticks(host))
            await asyncio.sleep(LOOK_EVERY_S)

    looking = asyncio.create_task(look())
    try:
        yield late
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def none_missing(make: Callable[[], Awaitable[Calls]]) -> Run:
    """Make calls until none misses a frame, or it is told whose fault it is.

    Args:
        make: makes the calls; it may be called `TRIES` times, one after another.
    """
    runs: list[Run] = []
    while not runs or verdict(runs) is Verdict.AGAIN:
        async with witness() as machine:
            calls = await make()
        for record in calls.records:
            assert record.ended == "the caller hung up", record.ended
        runs.append(calls.run(machine.total_ms))
    if verdict(runs) is Verdict.TOO_BUSY:
        pytest.skip(f"this machine was too busy {TRIES} times in a row: {runs}")
    assert verdict(runs) is Verdict.PASSED, runs
    return runs[-1]
