"""What the report shows of one call: everything on one axis, the pod's ticks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.lab.record import CallRecord, Trace
from media_pod.lab.score import CallScore, find_stops, onset_to_silence_ms
from media_pod.lab.truth import caller_lead, played_lead

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """Something said; what of the bot's speech was cut off is `unheard`."""

    at_s: float
    speaker: Literal["bot", "caller"]
    heard: str
    unheard: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """The caller talked."""

    label: str
    start_s: float
    end_s: float
    interrupts: bool
    silence_after_ms: float | None
    """The bot fell silent so long after the start; None if it did not, or was silent anyway."""


@dataclass(frozen=True, slots=True)
class StopMark:
    """The bot was cut short."""

    at_s: float
    true: bool
    """The caller had spoken."""


@dataclass(frozen=True, slots=True, eq=False)
class CallExhibit:
    """One call to show. Sample i of every sound and row i of the trace lie on one time axis."""

    name: str
    title: str
    rate_hz: int
    caller: Pcm
    """int16 [ticks * tick], as it came to the bank."""
    played: Pcm
    """int16 [ticks * tick], as it left for the caller."""
    trace: Trace
    talks: tuple[Talk, ...]
    stops: tuple[StopMark, ...]
    transcript: tuple[TranscriptLine, ...]
    score: CallScore

    @property
    def duration_s(self) -> float:
        return self.trace.speech.size * TICK_MS / 1000


def exhibit(
    title: str,
    record: CallRecord,
    score: CallScore,
    trace: Trace,
    *,
    stop_samples: Sequence[int],
    transcript: Sequence[TranscriptLine] = (),
    caller: Pcm | None = None,
    played: Pcm | None = None,
) -> CallExhibit:
    """Put a scored call on the pod's axis.

    Args:
        title: how the page calls this arrangement.
        record: the telephone's.
        score: made from `record`, `stop_samples` and `trace`; its name is the exhibit's.
        trace: the pod's, a row per tick.
        stop_samples: as in `score.score`: in the telephone's recording of the bot.
        transcript: its times are on the pod's axis.
        caller, played: the pod's own recording, tick by tick, when it ran on a clock of its own;
            without it the telephone's axis is the pod's.
    """
    at_hz = record.rate_hz
    caller_shift = 0 if caller is None else caller_lead(record, caller)
    played_shift = 0 if played is None else played_lead(record, played)
    stops = find_stops(record, stop_samples)
    talks = tuple(
        Talk(
            label=spoken.label,
            start_s=(spoken.onset_sample + caller_shift) / at_hz,
            end_s=(spoken.end_sample + caller_shift) / at_hz,
            interrupts=spoken.interrupts,
            silence_after_ms=(
                onset_to_silence_ms(record, stops, spoken) if spoken.interrupts else None
            ),
        )
        for spoken in record.spoken
    )
    marks = (StopMark((stop.sample + played_shift) / at_hz, stop.true) for stop in stops)
    return CallExhibit(
        name=score.name,
        title=title,
        rate_hz=at_hz,
        caller=record.caller if caller is None else caller,
        played=record.bot if played is None else played,
        trace=trace,
        talks=talks,
        stops=tuple(marks),
        transcript=tuple(transcript),
        score=score,
    )
