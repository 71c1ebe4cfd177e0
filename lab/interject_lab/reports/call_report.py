"""The data of one call in the report, all on the time axis of the pod's ticks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from interject_lab.call_record import BankTrace, CallRecord, SoundKind
from interject_lab.scoring.outcome import find_stops
from interject_lab.scoring.score import CallScore
from interject_lab.scoring.truth import caller_lead, played_lead
from media_pod.duplex.contract import TICK_MS


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One utterance; `unheard` is the part of the bot's speech that was cut off."""

    at_s: float
    speaker: Literal["bot", "caller"]
    heard: str
    unheard: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """The caller talked, or something else sounded at the caller's end."""

    label: str
    start_s: float
    end_s: float
    kind: SoundKind = "interruption"


@dataclass(frozen=True, slots=True)
class StopMark:
    """The bot was cut short."""

    at_s: float
    true: bool
    """The caller had spoken."""
    label: str = ""
    """What the picture calls it; empty for the usual words."""


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """What became of something that was expected of the call."""

    text: str
    passed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """What is drawn of a call. Sample i of every sound and row i of the trace lie on one axis."""

    rate_hz: int
    trace: BankTrace
    talks: tuple[Talk, ...]
    stops: tuple[StopMark, ...]

    @property
    def duration_s(self) -> float:
        return self.trace.speech.size * TICK_MS / 1000


@dataclass(frozen=True, slots=True, eq=False)
class CallReport(Timeline):
    """One call to show."""

    name: str
    title: str
    transcript: tuple[TranscriptLine, ...]
    score: CallScore
    findings: tuple[ReportedFinding, ...] = ()


def call_report(
    title: str,
    record: CallRecord,
    score: CallScore,
    trace: BankTrace,
    *,
    stop_samples: Sequence[int],
    transcript: Sequence[TranscriptLine] = (),
    findings: tuple[ReportedFinding, ...] = (),
) -> CallReport:
    """Put a scored call on the pod's axis.

    Args:
        title: headline of this call.
        record: the telephone's.
        score: made from `record`, `stop_samples` and `trace`; its name is the call_report's.
        trace: the pod's, a row per tick.
        stop_samples: as in `outcome.find_stops`: in the telephone's recording of the bot.
        transcript: its times are on the pod's axis.
        findings: what was expected of the call.
    """
    shift = played_lead(record, trace.played)
    stops = tuple(
        StopMark((stop.sample + shift) / record.rate_hz, stop.true)
        for stop in find_stops(record, stop_samples)
    )
    return CallReport(
        name=score.name,
        title=title,
        rate_hz=record.rate_hz,
        trace=trace,
        talks=_talks(record, trace),
        stops=stops,
        transcript=tuple(transcript),
        score=score,
        findings=findings,
    )


def _talks(record: CallRecord, trace: BankTrace) -> tuple[Talk, ...]:
    shift, rate_hz = caller_lead(record, trace.caller), record.rate_hz
    return tuple(
        Talk(
            label=spoken.label,
            start_s=(spoken.onset_sample + shift) / rate_hz,
            end_s=(spoken.end_sample + shift) / rate_hz,
        )
        for spoken in record.spoken
    )
