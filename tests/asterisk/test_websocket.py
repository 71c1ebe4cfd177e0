"""chan_websocket beside AudioSocket: the same callers, the same reaction times and delays."""

import asyncio
import os
from pathlib import Path

import pytest

from asterisk.callers import agent, interrupter, line
from asterisk.judged import Judged, judge, played_as_heard
from asterisk.measured import Measured, spread
from asterisk.world import Called, world
from interject_lab.recorder.recorder import Recording
from interject_lab.scoring.outcome import has_sound
from media_pod.duplex.contract import TICK_MS
from real_time.retry import in_real_time

CALLS = 4
SECONDS = 42.0
INTERRUPTIONS = 5


@pytest.mark.timeout(500)
@in_real_time
async def test_both_transports_stop_for_the_same_callers(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    for transport in ("audioSocket", "webSocket"):
        folder = tmp_path / transport
        folder.mkdir()
        pod = agent(line={"transport": transport}, server={"webSocketPort": 0})
        dialplan = [{"name": "agent", "extensions": ["100"], "transport": transport}]
        async with world(tree, folder, [pod], dialplan=dialplan, phones=CALLS) as there:
            before_s = [cpu_s(pid) for pid in (there.pods[0].pid, there.asterisk.pid)]
            phones = [
                there.phone(
                    line(120.0 + 80 * number, seed=number),
                    interrupter(INTERRUPTIONS, seed=number),
                    max_s=SECONDS,
                    number=number,
                )
                for number in range(CALLS)
            ]
            called = await asyncio.gather(
                *(there.call(phone, "100", number) for number, phone in enumerate(phones))
            )
            after_s = [cpu_s(pid) for pid in (there.pods[0].pid, there.asterisk.pid)]
            await there.until_no_call()

        recordings = there.recordings()
        judged = [judge(each.call.record, recordings[each.uuid]) for each in called]
        errors_ms = [heard_error_ms(each, recordings[each.uuid]) for each in called]
        pod_s, asterisk_s = (
            after - before for before, after in zip(before_s, after_s, strict=True)
        )
        add_rows(measured, transport, judged, errors_ms)
        for who, used_s in (("pod, recording included", pod_s), ("Asterisk", asterisk_s)):
            share = 100 * used_s / SECONDS / CALLS
            measured.row(transport, f"CPU per call, {who}", f"{share:.1f} % of a core")
        assert sum(j.false_stops for j in judged) == 0
        assert sum(j.missed for j in judged) == 0
        assert sum(len(j.interruptions) for j in judged) >= 0.7 * INTERRUPTIONS * CALLS
        assert max(errors_ms) < 2 * TICK_MS


def add_rows(
    measured: Measured, transport: str, judged: list[Judged], errors_ms: list[float]
) -> None:
    heard = sum(len(j.to_last_rtp_ms) for j in judged)
    missed, false = sum(j.missed for j in judged), sum(j.false_stops for j in judged)
    measured.row(transport, "heard / missed / false stops", f"{heard} / {missed} / {false}")
    measured.row(
        transport,
        "onset at the microphone to last RTP with sound, p50 / p95 / max",
        spread([ms for j in judged for ms in j.to_last_rtp_ms]),
    )
    measured.row(
        transport,
        "speech counted as heard against what the telephone got, per stop, worst call",
        f"{max(errors_ms):.0f} ms",
    )


def heard_error_ms(called: Called, recording: Recording) -> float:
    """By how much the pod's count of what was heard is off, on average over the call's stops."""
    rate_hz = called.call.record.rate_hz
    counted = int(has_sound(played_as_heard(recording), rate_hz).sum())
    got = int(has_sound(called.call.record.bot, rate_hz).sum())
    stops = sum(said.cut for said in recording.words)
    return abs(counted - got) * TICK_MS / max(stops, 1)


def cpu_s(pid: int) -> float:
    """CPU time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
