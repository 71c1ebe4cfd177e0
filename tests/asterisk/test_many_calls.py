"""Twenty calls at once, for a minute."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured
from asterisk.real_time import TRIES, Run, Verdict, verdict
from asterisk.stalls import Stalls, witness
from asterisk.world import Called, world
from interject_lab.call_record import UNDERRUN

CALLS = 20
SECONDS = 60.0
DISTURBED_TICKS = 30
"""1 %: a pod that misses more, on a machine that does not stall, is too slow."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What a minute of calls was like."""

    called: list[Called]
    late_ticks: float
    """That the pod missed."""
    machine: Stalls

    @property
    def run(self) -> Run:
        """Its signs."""
        dry = sum(int(np.sum(playing(each) == UNDERRUN)) for each in self.called)
        ticks = sum(len(playing(each)) for each in self.called)
        return Run(CALLS, dry, ticks, self.late_ticks, self.machine.total_ms)


@pytest.mark.timeout(TRIES * 100)
async def test_no_telephone_runs_dry(tree: Path, tmp_path: Path, measured: Measured) -> None:
    """In real time: on a machine that stalls meanwhile it shows the machine, and is made again."""
    runs: list[Run] = []
    while not runs or verdict(runs) is Verdict.AGAIN:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        minute = await call_all(tree, folder)
        runs.append(minute.run)
        assert minute.late_ticks < DISTURBED_TICKS or minute.machine.number
    if verdict(runs) is Verdict.TOO_BUSY:
        pytest.skip(f"this machine was too busy {len(runs)} times in a row: {runs}")
    assert verdict(runs) is Verdict.PASSED, runs

    called = minute.called
    packets = sum(len(each.call.rtp.arrivals) for each in called)
    lost = sum(sum(each.call.rtp.sequence_gaps()) for each in called)
    pauses_ms = [ms for each in called for ms in each.call.rtp.pauses_ms()]
    case = f"{CALLS} calls for {SECONDS:.0f} s"
    longest_ms = max(pauses_ms, default=0)
    measured.row(case, "RTP packets; missing in their sequence", f"{packets}; {lost}")
    measured.row(case, "pauses over 40 ms; the longest", f"{len(pauses_ms)}; {longest_ms:.0f} ms")
    measured.row(case, "ticks in which a telephone had nothing to play", f"{runs[-1].dry_ticks}")
    assert packets > 0.98 * CALLS * SECONDS * 50
    assert lost == 0


async def call_all(tree: Path, folder: Path) -> Minute:
    """All calls at once."""
    many = agent(capacity={"calls": CALLS})
    async with world(tree, folder, [many], phones=CALLS) as there, witness() as machine:
        phones = [
            there.phone(line(seed=number), silent(), max_s=SECONDS, number=number)
            for number in range(CALLS)
        ]
        called = await asyncio.gather(
            *(there.call(phone, "100", number) for number, phone in enumerate(phones))
        )
        late = await there.metric("interject_late_ticks_total")
        await there.until_no_call()
    return Minute(called, late, machine)


def playing(called: Called) -> NDArray[np.int64]:
    """What was played in each tick, from the first frame on."""
    played = called.call.record.bot_played_sample
    return played[int(np.flatnonzero(played != UNDERRUN)[0]) :]
