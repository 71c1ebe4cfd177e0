"""Interruptions in double talk, through Asterisk, with and without its jitter buffer."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asterisk.callers import agent, interrupter, line
from asterisk.judged import Judged, judge
from asterisk.measured import Measured, spread
from asterisk.world import Called, World, world
from interject_lab.telephones.sip.media import MediaSettings
from interject_lab.telephones.sip.network import Network
from real_time.retry import in_real_time

DIALPLAN = [
    {"name": "plain", "extensions": ["100"]},
    {"name": "buffered", "extensions": ["101"], "jitterBuffer": "adaptive"},
]
EXTENSIONS = {"no JITTERBUFFER": "100", "JITTERBUFFER(adaptive)": "101"}
BAD_NETWORKS = {
    "5 % loss, 40 ms jitter": Network(loss=0.05, mean_burst=1.5, jitter_ms=40.0),
    "60 ms jitter, reordered": Network(jitter_ms=60.0, reorder=True),
}
INTERRUPTIONS = 6
MOST_S = 60.0


async def call(
    there: World, number: int, extension: str, delay_ms: float, settings: MediaSettings
) -> Called:
    phone = there.phone(
        line(delay_ms, seed=number),
        interrupter(INTERRUPTIONS, seed=number),
        max_s=MOST_S,
        number=number,
        settings=settings,
    )
    return await there.call(phone, extension, number)


@pytest.mark.core
@pytest.mark.timeout(240)
@in_real_time
async def test_a_caller_on_an_echoing_line_interrupts(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with world(tree, tmp_path, [agent()], dialplan=DIALPLAN) as there:
        extension = EXTENSIONS["JITTERBUFFER(adaptive)"]
        called = await call(there, 0, extension, 250.0, MediaSettings())
        await there.until_no_call()

    judged = judge(called.call.record, there.recordings()[called.uuid])
    add_rows(measured, "one call, ERL 15 dB", [judged])
    assert judged.false_stops == 0
    assert len(judged.interruptions) >= 0.8 * INTERRUPTIONS
    assert judged.missed == 0


@pytest.mark.timeout(360)
@in_real_time
async def test_callers_in_double_talk_are_heard_and_echo_is_not(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    kinds = [(name, delay_ms) for name in EXTENSIONS for delay_ms in (120.0, 250.0, 400.0)]
    async with world(tree, tmp_path, [agent()], dialplan=DIALPLAN, phones=len(kinds)) as there:
        called = await asyncio.gather(
            *(
                call(there, number, EXTENSIONS[name], delay_ms, MediaSettings())
                for number, (name, delay_ms) in enumerate(kinds)
            )
        )
        await there.until_no_call()

    recordings = there.recordings()
    judged = [judge(each.call.record, recordings[each.uuid]) for each in called]
    for name in EXTENSIONS:
        ours = [j for (kind, _), j in zip(kinds, judged, strict=True) if kind == name]
        add_rows(measured, f"double talk, ERL 15 dB, {name}", ours)
    assert sum(j.false_stops for j in judged) == 0
    assert sum(len(j.interruptions) for j in judged) >= 0.8 * INTERRUPTIONS * len(kinds)
    assert sum(j.missed for j in judged) == 0


@pytest.mark.timeout(360)
@in_real_time
async def test_on_a_bad_network_callers_are_still_heard(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    kinds = [(what, name) for what in BAD_NETWORKS for name in EXTENSIONS] * 2
    async with world(tree, tmp_path, [agent()], dialplan=DIALPLAN, phones=len(kinds)) as there:
        called = await asyncio.gather(
            *(
                call(
                    there,
                    number,
                    EXTENSIONS[name],
                    160.0,
                    MediaSettings(uplink=replace(BAD_NETWORKS[what], seed=number)),
                )
                for number, (what, name) in enumerate(kinds)
            )
        )
        await there.until_no_call()

    recordings = there.recordings()
    judged = [judge(each.call.record, recordings[each.uuid]) for each in called]
    for what, name in dict.fromkeys(kinds):
        ours = [j for kind, j in zip(kinds, judged, strict=True) if kind == (what, name)]
        add_rows(measured, f"{what}, {name}", ours)
    heard = sum(len(j.to_last_rtp_ms) for j in judged)
    assert heard >= 0.75 * sum(len(j.interruptions) for j in judged) > 0


def add_rows(measured: Measured, case: str, judged: list[Judged]) -> None:
    interruptions = sum(len(j.interruptions) for j in judged)
    missed, false = sum(j.missed for j in judged), sum(j.false_stops for j in judged)
    errors_ms = [j.delay_error_p95_ms for j in judged if j.delay_error_p95_ms is not None]
    measured.row(
        case, "heard / missed / false stops", f"{interruptions - missed} / {missed} / {false}"
    )
    measured.row(
        case,
        "onset at the microphone to last RTP with sound, p50 / p95 / max",
        spread([ms for j in judged for ms in j.to_last_rtp_ms]),
    )
    steps_ms = sorted(j.first_step_ms for j in judged)
    measured.row(
        case, "step of the delay in the first second", f"{steps_ms[0]:.0f} to {steps_ms[-1]:.0f} ms"
    )
    measured.row(
        case,
        "bot's first sound to the right delay, p50 / p95 / max",
        spread([j.locked_after_ms for j in judged]),
    )
    if errors_ms:
        measured.row(case, "delay error p95, median of calls", f"{np.median(errors_ms):.1f} ms")
    measured.row(
        case, "delay locked", f"{np.mean([j.locked_percent for j in judged]):.0f} % of the call"
    )
