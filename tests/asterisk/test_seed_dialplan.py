"""The dialplan that people already have: System(curl ...), then AudioSocket to a fixed address."""

import shutil
from pathlib import Path

import pytest

from asterisk.callers import agent, interrupter, line
from asterisk.judged import judge
from asterisk.measured import Measured
from asterisk.world import free_port, world
from real_time.retry import in_real_time


@pytest.mark.core
@pytest.mark.timeout(240)
@pytest.mark.skipif(shutil.which("curl") is None, reason="the seed's dialplan runs curl")
@in_real_time
async def test_the_seed_s_own_dialplan_works_unchanged(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    port = free_port()
    seed = {
        "name": "agent",
        "extensions": ["100"],
        "dialplan": "seed",
        "audioSocket": f"127.0.0.1:{port}",
    }
    pod = agent(server={"audioSocketPort": port})
    async with world(tree, tmp_path, [pod], dialplan=[seed]) as there:
        assert "JITTERBUFFER(adaptive)=default" in await there.asterisk.cli("dialplan show")
        called = await there.call(there.phone(line(), interrupter(3), max_s=35), "100")
        await there.until_no_call()

    assert called.call.status == 200
    first = called.call.rtp.arrivals[0].at_ns
    answered_ns = called.call.answered_ns or 0
    judged = judge(called.call.record, there.recordings()[called.uuid])
    assert (len(judged.interruptions), judged.missed, judged.false_stops) == (3, 0, 0)
    measured.row("seed dialplan", "answer to first RTP", f"{(first - answered_ns) / 1e6:.0f} ms")
