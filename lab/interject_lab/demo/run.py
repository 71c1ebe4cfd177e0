"""The demonstration: the same call to three pods at once, then the table and the report."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from interject_lab.call_record import CallRecord
from interject_lab.demo.scenario import (
    CALL_NUMBER,
    RATE_HZ,
    SEED,
    SUITE,
    Scene,
    agent,
    caller,
    line,
)
from interject_lab.errors import writing
from interject_lab.network.line import TelephoneLine
from interject_lab.recorder.pod_process import late_ticks, pod_process
from interject_lab.recorder.recorder import Recording, load
from interject_lab.reports.call_report import CallReport, TranscriptLine, call_report
from interject_lab.reports.markdown import number
from interject_lab.reports.report import render
from interject_lab.rules.registry import LISTENING_MODES, Rule
from interject_lab.scoring.score import CallScore, score
from interject_lab.scoring.truth import in_bot_stream, true_delay_ms
from interject_lab.telephones.phone import Phone, ask_call_start
from media_pod.call.transcript import TranscriptEntry
from media_pod.duplex.contract import TICK_MS
from media_pod.errors import InterjectError

LATE_TICKS_THAT_SHOW: Final = 10
"""0.2 s of a call; fewer change no figure."""
LATE_TICKS_THAT_SPOIL: Final = 50
"""1 s: such a call measures the machine, so the calls are repeated once."""
REPORT_NAME: Final = "report.html"
_TITLE: Final = "One call, three listening modes"
_INTRO: Final = (
    "The same caller calls three pods over the same simulated line. A pod that takes the echo for "
    "the caller stops for no reason; a pod that ignores the line while the bot speaks cannot be "
    "interrupted. A pod in doubt lowers the bot's voice by 15 dB (a duck), and stops it once it is "
    "sure."
)
_CODECS: Final = {"mu": "mu-law", "a": "A-law"}

OnStep = Callable[[str], None]
OnElapsed = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of the demonstration."""

    scores: tuple[CallScore, ...]
    stops: tuple[tuple[TranscriptEntry, ...], ...]
    """Per call, the bot's turns that were cut."""
    late_ticks: tuple[int, ...]
    """Per call, the ticks that its pod missed because the machine was too busy."""
    report: Path


async def run_demo(scene: Scene, folder: Path, on_step: OnStep, on_elapsed: OnElapsed) -> Outcome:
    """Run the calls and write the report.

    Args:
        scene: duration, and the caller's lines.
        folder: for the report and the pods' logs; created if missing.
        on_step: receives the description of each step as it starts.
        on_elapsed: receives the duration of the calls so far, in s, once a second.

    Raises:
        InterjectError: a pod or a call failed.
    """
    with writing(folder, "--out"):
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="interject-demo-") as work:
        calls = await _call_all(scene, (Path(work), folder), on_step, on_elapsed)
        late = max(call.late_ticks for call in calls)
        if late > LATE_TICKS_THAT_SPOIL:
            on_step(
                f"this machine stalled and a pod missed {late} ticks of 20 ms: repeating the calls"
            )
            calls = await _call_all(scene, (Path(work), folder), on_step, on_elapsed)
        on_step("writing the report")
        # Only after all calls: the telephones of this process would stutter.
        called = [await asyncio.to_thread(_analyse, call, Path(work)) for call in calls]
        intro = f"{_INTRO} {_line_in_words(calls[0].conditions, scene.seconds)}"
        page = await asyncio.to_thread(render, _TITLE, intro, [call.shown for call in called])
        report = folder / REPORT_NAME
        await asyncio.to_thread(report.write_text, page)
    return Outcome(
        scores=tuple(call.shown.score for call in called),
        stops=tuple(call.stops for call in called),
        late_ticks=tuple(call.late_ticks for call in called),
        report=report.resolve(),
    )


async def _call_all(
    scene: Scene, folders: tuple[Path, Path], on_step: OnStep, on_elapsed: OnElapsed
) -> list["_RecordedCall"]:
    """The same call to a pod per listening mode, all at the same time."""
    on_step(f"starting {len(LISTENING_MODES)} pods: {', '.join(LISTENING_MODES)}")
    arrived = asyncio.Barrier(len(LISTENING_MODES))
    try:
        async with asyncio.TaskGroup() as group:
            # While the pods start: the sounds of the line take some seconds to be made.
            lines = group.create_task(asyncio.to_thread(lambda: [line() for _ in LISTENING_MODES]))
            calls = [
                group.create_task(
                    _call(mode, scene, folders, (lines, arrived), on_step, on_elapsed)
                )
                for mode in LISTENING_MODES.values()
            ]
    except* InterjectError as errors:
        raise errors.exceptions[0] from None
    return [call.result() for call in calls]


@dataclass(frozen=True, slots=True, eq=False)
class _RecordedCall:
    uuid: str
    mode: Rule
    record: CallRecord
    late_ticks: int
    conditions: Mapping[str, Any]
    """Of the line."""


@dataclass(frozen=True, slots=True, eq=False)
class _AnalysedCall:
    shown: CallReport
    stops: tuple[TranscriptEntry, ...]
    late_ticks: int


async def _call(
    mode: Rule,
    scene: Scene,
    folders: tuple[Path, Path],
    together: tuple[asyncio.Task[list[tuple[TelephoneLine, dict[str, Any]]]], asyncio.Barrier],
    on_step: OnStep,
    on_elapsed: OnElapsed,
) -> _RecordedCall:
    (work, out), (lines, arrived) = folders, together
    folder = work / mode.name
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    speaker = await asyncio.to_thread(caller, scene)
    place = list(LISTENING_MODES).index(mode.name)
    first = place == 0
    log = out / f"{mode.name}.log"
    async with pod_process(agent(), folder, log, listening_mode=mode.name) as pod:
        echo, conditions = (await lines)[place]
        phone = Phone(
            echo,
            speaker,
            max_s=scene.seconds,
            progress=on_elapsed if first else lambda elapsed_s: None,
        )
        await arrived.wait()
        if first:
            on_step(f"calling all pods at the same time, for {scene.seconds:g} s")
        uuid = uuid4()
        host, port = await ask_call_start(pod.api, uuid, from_number="5550100", to_number="100")
        record = await phone.call(host, port, uuid)
        late = await late_ticks(pod.api)
    return _RecordedCall(str(uuid), mode, record, late, conditions)


def _line_in_words(conditions: Mapping[str, Any], seconds: float) -> str:
    """What the line does in the first `seconds` of the call, and where it is from."""
    words = (
        f"The line is that of call {CALL_NUMBER} of the suite {SUITE} (seed {SEED}, split test): "
        f"it returns the bot's own voice as an echo through a {conditions['path']}, "
        f"{conditions['erl_db']:g} dB quieter and {conditions['delay_ms']:g} ms late"
    )
    for at_s, delay_ms in conditions["steps"]:
        words += f", from second {at_s:.0f} on {delay_ms:g} ms" if at_s < seconds else ""
    words += "; the loudspeaker is overdriven" if conditions["overdrive"] else ""
    return (
        f"{words}. The background is {conditions['background']} noise at "
        f"{conditions['noise_dbfs']:g} dBFS, and the codec G.711 {_CODECS[conditions['law']]}."
    )


def _analyse(called: _RecordedCall, work: Path) -> _AnalysedCall:
    recording = load(work / called.mode.name)[called.uuid]
    shown = _show(called.mode, called.record, recording)
    stops = tuple(said for said in recording.words if said.cut)
    return _AnalysedCall(shown, stops, called.late_ticks)


def _show(mode: Rule, record: CallRecord, recording: Recording) -> CallReport:
    """Score one call and prepare it for the report."""
    caller_audio, played = recording.audio("caller"), recording.audio("played")
    trace = recording.trace(true_delay_ms(record, caller_audio, played))
    stops = in_bot_stream(record, played, recording.stop_samples(RATE_HZ))
    figures = score(mode.name, record, stops, trace)
    transcript = [
        TranscriptLine(row * TICK_MS / 1000, said.speaker, said.heard, said.unheard)
        for said, row in zip(recording.words, recording.word_rows, strict=True)
    ]
    return call_report(
        mode.title, record, figures, trace, stop_samples=stops, transcript=transcript
    )


JSON_KEYS: Final = (
    "name",
    "false_barge_ins",
    "interruptions",
    "heard",
    "missed",
    "ducks",
    "onset_to_silence_p50_ms",
    "onset_to_silence_max_ms",
    "delay_error_p95_ms",
    "erle_db",
)
_MOST_STOPS: Final = 4
_HEADER: Final = (
    "listening mode",
    "false barge-ins",
    "interruptions",
    "heard",
    "missed",
    "ducks",
    "onset to silence p50 / max",
    "delay error p95",
    "ERLE",
    "words played before each stop",
)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The JSON document; keys have units."""
    rows = [score.as_dict() for score in outcome.scores]
    return {
        "calls": [{key: row[key] for key in JSON_KEYS} for row in rows],
        "report": str(outcome.report),
    }


def as_table(outcome: Outcome) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Header and one row per listening mode."""
    rows = [_row(*pair) for pair in zip(outcome.scores, outcome.stops, strict=True)]
    return _HEADER, rows


def _row(score: CallScore, stops: Sequence[TranscriptEntry]) -> tuple[str, ...]:
    return (
        score.name,
        str(score.false_barge_ins),
        str(score.interruptions),
        str(score.heard),
        str(score.missed),
        str(score.ducks),
        f"{number(score.onset_to_silence_p50_ms)} / {number(score.onset_to_silence_max_ms)} ms",
        f"{number(score.delay_error_p95_ms, 1)} ms",
        f"{number(score.erle_db, 1)} dB",
        _words(stops),
    )


def _words(stops: Sequence[TranscriptEntry]) -> str:
    """How many words of each cut turn had been played."""
    counts = []
    for stop in stops[:_MOST_STOPS]:
        heard, unheard = len(stop.heard.split()), len(stop.unheard.split())
        counts.append(f"{heard} of {heard + unheard}")
    more = f", and {len(stops) - _MOST_STOPS} more" if len(stops) > _MOST_STOPS else ""
    return (", ".join(counts) or "-") + more
