"""The demonstration: the same call to three pods at once, then the table and the report."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from interject_lab.demo.scenario import (
    DELAY_MS,
    ERL_DB,
    RATE_HZ,
    STEP_AT_S,
    STEP_MS,
    Scene,
    agent,
    caller,
    line,
)
from interject_lab.recorder.pod_process import late_ticks, pod_process
from interject_lab.recorder.recorder import Recording, load
from interject_lab.reports.exhibit import CallExhibit, TranscriptLine, exhibit
from interject_lab.reports.report import render
from interject_lab.rules.baselines import ARRANGEMENTS, Arrangement
from interject_lab.scoring.score import CallScore, score
from interject_lab.scoring.truth import in_bot_stream, true_delay_ms
from interject_lab.telephones.call_start import ask_call_start
from interject_lab.telephones.phone import Phone
from interject_lab.telephones.record import CallRecord
from media_pod.call.transcript import TranscriptEntry
from media_pod.duplex.contract import TICK_MS
from media_pod.errors import InterjectError

LATE_TICKS_THAT_SHOW: Final = 10
"""A fifth of a second in a call; below that no figure changes."""
LATE_TICKS_THAT_SPOIL: Final = 50
"""A second: what such a call shows is the machine, so it is made again, once."""
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
    stops: tuple[tuple[TranscriptEntry, ...], ...]
    """Per call, the bot's turns that were cut."""
    late_ticks: tuple[int, ...]
    """Per call, the ticks that its pod missed because the machine was too busy."""
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
        calls = await _call_all(scene, (Path(work), folder), say, progress)
        late = max(call.late_ticks for call in calls)
        if late > LATE_TICKS_THAT_SPOIL:
            say(f"this machine stalled, a pod missed {late} ticks of 20 ms: once more")
            calls = await _call_all(scene, (Path(work), folder), say, progress)
        say("drawing the report")
        # Not before all calls are over: the telephones of this process would stutter.
        called = [await asyncio.to_thread(_look_at, call, Path(work)) for call in calls]
        page = await asyncio.to_thread(render, _TITLE, _INTRO, [call.shown for call in called])
        report = folder / REPORT_NAME
        await asyncio.to_thread(report.write_text, page)
    return Outcome(
        scores=tuple(call.shown.score for call in called),
        stops=tuple(call.stops for call in called),
        late_ticks=tuple(call.late_ticks for call in called),
        report=report.resolve(),
    )


async def _call_all(
    scene: Scene, folders: tuple[Path, Path], say: Say, progress: Progress
) -> list["_Called"]:
    """The same call to all arrangements at once, each with a pod of its own."""
    say(f"starting {len(ARRANGEMENTS)} pods, one per arrangement")
    arrived = asyncio.Barrier(len(ARRANGEMENTS))
    try:
        async with asyncio.TaskGroup() as group:
            calls = [
                group.create_task(_call(arrangement, scene, folders, arrived, say, progress))
                for arrangement in ARRANGEMENTS.values()
            ]
    except* InterjectError as errors:
        raise errors.exceptions[0] from None
    return [call.result() for call in calls]


@dataclass(frozen=True, slots=True, eq=False)
class _Called:
    arrangement: Arrangement
    record: CallRecord
    late_ticks: int


@dataclass(frozen=True, slots=True, eq=False)
class _LookedAt:
    shown: CallExhibit
    stops: tuple[TranscriptEntry, ...]
    late_ticks: int


async def _call(
    arrangement: Arrangement,
    scene: Scene,
    folders: tuple[Path, Path],
    arrived: asyncio.Barrier,
    say: Say,
    progress: Progress,
) -> _Called:
    work, out = folders
    folder = work / arrangement.name
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    speaker, echo = await asyncio.to_thread(lambda: (caller(scene), line()))
    first = arrangement.name == next(iter(ARRANGEMENTS))
    phone = Phone(
        echo, speaker, max_s=scene.seconds, progress=progress if first else lambda elapsed_s: None
    )
    log = out / f"{arrangement.name}.log"
    async with pod_process(agent(), folder, log, arrangement=arrangement.name) as pod:
        await arrived.wait()
        if first:
            say(f"calling all of them for {scene.seconds:g} s")
        uuid = uuid4()
        host, port = await ask_call_start(pod.api, uuid, from_number="5550100", to_number="100")
        record = await phone.call(host, port, uuid)
        late = await late_ticks(pod.api)
    return _Called(arrangement, record, late)


def _look_at(called: _Called, work: Path) -> _LookedAt:
    (recording,) = load(work / called.arrangement.name).values()
    shown = _show(called.arrangement, called.record, recording)
    stops = tuple(said for said in recording.words if said.cut)
    return _LookedAt(shown, stops, called.late_ticks)


def _show(arrangement: Arrangement, record: CallRecord, recording: Recording) -> CallExhibit:
    """Score one call and put it into words and arrays for the report."""
    caller_audio, played = recording.audio("caller"), recording.audio("played")
    trace = recording.trace(true_delay_ms(record, caller_audio, played))
    stops = in_bot_stream(record, played, recording.stop_samples(RATE_HZ))
    figures = score(arrangement.name, record, stops, trace)
    transcript = [
        TranscriptLine(row * TICK_MS / 1000, said.speaker, said.heard, said.unheard)
        for said, row in zip(recording.words, recording.word_rows, strict=True)
    ]
    return exhibit(
        arrangement.title, record, figures, trace, stop_samples=stops, transcript=transcript
    )
