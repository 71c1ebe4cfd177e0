"""Twenty calls at once, for a minute."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured
from asterisk.world import Called, world
from media_pod.lab.record import UNDERRUN

CALLS = 20
SECONDS = 60.0


@pytest.mark.timeout(180)
async def test_no_telephone_runs_dry(tree: Path, tmp_path: Path, measured: Measured) -> None:
    many = agent(capacity={"calls": CALLS})
    async with world(tree, tmp_path, [many], phones=CALLS) as there:
        phones = [
            there.phone(line(seed=number), silent(), max_s=SECONDS, number=number)
            for number in range(CALLS)
        ]
        called = await asyncio.gather(
            *(there.call(phone, "100", number) for number, phone in enumerate(phones))
        )
        late = await there.metric("interject_late_ticks_total")
        await there.until_no_call()

    packets = sum(len(each.call.rtp.arrivals) for each in called)
    lost = sum(sum(each.call.rtp.sequence_gaps()) for each in called)
    pauses_ms = [ms for each in called for ms in each.call.rtp.pauses_ms()]
    dry = [int(np.sum(played == UNDERRUN)) for played in map(playing, called)]
    case = f"{CALLS} calls for {SECONDS:.0f} s"
    measured.row(case, "RTP packets; missing in their sequence", f"{packets}; {lost}")
    measured.row(
        case,
        "pauses over 40 ms; the longest",
        f"{len(pauses_ms)}; {max(pauses_ms, default=0):.0f} ms",
    )
    measured.row(case, "ticks in which a telephone had nothing to play", f"{sum(dry)}")
    measured.row(case, "late ticks of the pod", f"{late:.0f}")
    assert packets > 0.98 * CALLS * SECONDS * 50
    assert lost == 0
    assert sum(dry) == 0


def playing(called: Called) -> NDArray[np.int64]:
    """What was played in each tick, from the first frame on."""
    played = called.call.record.bot_played_sample
    return played[int(np.flatnonzero(played != UNDERRUN)[0]) :]
