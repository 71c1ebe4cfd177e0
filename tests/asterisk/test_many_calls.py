"""Twenty calls at once, for a minute."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured
from asterisk.world import SERVERS_FIRST, Called, world
from real_time.retry import check_late_ticks, skip_too_busy
from real_time.verdict import TRIES, Run, Verdict, run, verdict
from real_time.witness import Beside, Stalls, witness

CALLS = 20
SECONDS = 60.0
PLACES = (Beside(), Beside(work_ms=3.9), Beside(work_ms=5.3, niceness=SERVERS_FIRST))
"""Of the witnesses: beside Asterisk, whose threads hardly compute, beside the telephones and beside
the pod, with the processor time that `ps` showed of these in a minute of 20 calls."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What a minute of calls was like."""

    called: list[Called]
    late_ticks: float
    """That the pod missed."""
    stalls: Stalls

    @property
    def run(self) -> Run:
        return run([each.call.record for each in self.called], self.stalls)


@pytest.mark.timeout(TRIES * 100)
async def test_no_telephone_runs_dry(tree: Path, tmp_path: Path, measured: Measured) -> None:
    runs: list[Run] = []
    while not runs or verdict(runs) is Verdict.AGAIN:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        minute = await call_all(tree, folder)
        runs.append(minute.run)
        check_late_ticks(minute.late_ticks, minute.stalls)
    if verdict(runs) is Verdict.TOO_BUSY:
        skip_too_busy(minute.stalls, str(runs[-1]))
    assert verdict(runs) is Verdict.PASSED, "; ".join(map(str, runs))

    called = minute.called
    packets = sum(len(each.call.rtp.arrivals) for each in called)
    lost = sum(sum(each.call.rtp.sequence_gaps()) for each in called)
    pauses_ms = [ms for each in called for ms in each.call.rtp.pauses_ms()]
    case = f"{CALLS} calls for {SECONDS:.0f} s"
    longest_ms = max(pauses_ms, default=0)
    measured.row(case, "RTP packets; missing in their sequence", f"{packets}; {lost}")
    measured.row(case, "pauses over 40 ms; the longest", f"{len(pauses_ms)}; {longest_ms:.0f} ms")
    measured.row(case, "ticks in which a telephone had nothing to play", f"{runs[-1].dry}")
    measured.row(case, "of them outside of stalls of the machine", f"{runs[-1].unexcused}")
    assert packets > 0.98 * CALLS * SECONDS * 50
    assert lost == 0


async def call_all(tree: Path, folder: Path) -> Minute:
    """All calls at once."""
    many = agent(capacity={"calls": CALLS})
    async with world(tree, folder, [many], phones=CALLS) as there:
        with witness(PLACES) as stalls:
            phones = [
                there.phone(line(seed=number), silent(), max_s=SECONDS, number=number)
                for number in range(CALLS)
            ]
            called = await asyncio.gather(
                *(there.call(phone, "100", number) for number, phone in enumerate(phones))
            )
            late = await there.metric("interject_late_ticks_total")
        await there.until_no_call()
    return Minute(called, late, stalls)
