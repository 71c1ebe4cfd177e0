"""The demonstration: the same call to three pods at once, then the table and the report."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from media_pod.call.transcript import Line as SaidLine
from media_pod.demo.pod_process import pod_process
from media_pod.demo.recorder import Recording, load
from media_pod.demo.scenario import (
    DELAY_MS,
    ERL_DB,
    RATE_HZ,
    STEP_AT_S,
    STEP_MS,
    Scene,
    caller,
    line,
)
from media_pod.errors import SetupError
from media_pod.lab.call_start import ask_call_start
from media_pod.lab.compared import ARRANGEMENTS, Arrangement
from media_pod.lab.exhibit import CallExhibit, TranscriptLine, exhibit
from media_pod.lab.phone import Phone
from media_pod.lab.record import CallRecord
from media_pod.lab.report import render
from media_pod.lab.score import CallScore, score
from media_pod.lab.truth import in_bot_stream, true_delay_ms

REPORT_NAME: Final = "report.html"
_TITLE: Final = "One call, three ways to listen"
_INTRO: Final = (
    f"The same caller, on the same line: echo {ERL_DB:g} dB down after {DELAY_MS:g} ms, G.711 both "
    f"ways, and from second {STEP_AT_S:g} on the echo comes {STEP_MS:g} ms later."
)

Say = Callable[[str], None]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demonstration found."""

    scores: tuple[CallScore, ...]
    stops: tuple[tuple[SaidLine, ...], ...]
    """Per call, the bot's turns that were cut."""
    report: Path


async def run_demo(scene: Scene, folder: Path, say: Say, progress: Progress) -> Outcome:
    """Run the calls and write the report.

    Args:
        scene: how long, and what the caller says.
        folder: where the report goes; made if it is not there.
        say: told each step, in words.
        progress: told the seconds that the calls have lasted.

    Raises:
        InterjectError: something of this machine is in the way.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="interject-demo-") as work:
        say(f"starting {len(ARRANGEMENTS)} pods, one per arrangement")
        arrived = asyncio.Barrier(len(ARRANGEMENTS))
        try:
            async with asyncio.TaskGroup() as group:
                calls = [
                    group.create_task(_call(arrangement, scene, Path(work), arrived, say, progress))
                    for arrangement in ARRANGEMENTS.values()
                ]
        except* SetupError as errors:
            raise errors.exceptions[0] from None
        say("drawing the report")
        exhibits = [call.result() for call in calls]
        page = await asyncio.to_thread(render, _TITLE, _INTRO, [shown for shown, _ in exhibits])
        report = folder / REPORT_NAME
        await asyncio.to_thread(report.write_text, page)
    return Outcome(
        scores=tuple(shown.score for shown, _ in exhibits),
        stops=tuple(stops for _, stops in exhibits),
        report=report.resolve(),
    )


async def _call(
    arrangement: Arrangement,
    scene: Scene,
    work: Path,
    arrived: asyncio.Barrier,
    say: Say,
    progress: Progress,
) -> tuple[CallExhibit, tuple[SaidLine, ...]]:
    folder = work / arrangement.name
    await asyncio.to_thread(folder.mkdir)
    speaker, echo = await asyncio.to_thread(lambda: (caller(scene), line()))
    first = arrangement.name == next(iter(ARRANGEMENTS))
    phone = Phone(
        echo, speaker, max_s=scene.seconds, progress=progress if first else lambda elapsed_s: None
    )
    async with pod_process(arrangement.name, folder) as addresses:
        await arrived.wait()
        if first:
            say(f"calling all of them for {scene.seconds:g} s")
        uuid = uuid4()
        api = f"http://127.0.0.1:{addresses.http_port}"
        host, port = await ask_call_start(api, uuid, from_number="5550100", to_number="100")
        record = await phone.call(host, port, uuid)
    recording = await asyncio.to_thread(load, folder)
    return await asyncio.to_thread(_show, arrangement, record, recording)


def _show(
    arrangement: Arrangement, record: CallRecord, recording: Recording
) -> tuple[CallExhibit, tuple[SaidLine, ...]]:
    """Score one call and put it into words and arrays for the report."""
    caller_audio, played = recording.audio("caller"), recording.audio("played")
    trace = recording.trace(true_delay_ms(record, caller_audio, played))
    stops = in_bot_stream(record, played, recording.stop_samples(RATE_HZ))
    figures = score(arrangement.name, record, stops, trace)
    transcript = [
        TranscriptLine(said.at_ms / 1000, said.speaker, said.heard, said.unheard)
        for said in recording.words
    ]
    shown = exhibit(
        arrangement.title, record, figures, trace, stop_samples=stops, transcript=transcript
    )
    return shown, tuple(said for said in recording.words if said.cut)
