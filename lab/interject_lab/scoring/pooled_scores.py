"""Measurements of calls, pooled into the scores of a condition."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import BankTrace, CallRecord
from interject_lab.scoring.outcome import (
    HEARD_WITHIN_MS,
    InterruptionOutcome,
    Stop,
    find_interruptions,
    find_stops,
    has_sound,
)
from interject_lab.scoring.score import delay_errors_ms, quantile, score
from media_pod.duplex.contract import TICK_MS, Decision, Reason

_MISS_LOOK_S = 1.0
_LATEST_S = HEARD_WITHIN_MS / 1000
"""Talk later than this before the end of the call is not counted: too short to be detected."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A false barge-in, or a missed interruption."""

    kind: Literal["false_barge_in", "missed"]
    call: int
    """Number of the call within its condition, from 0."""
    at_s: float
    """Time of the decision, or of the caller's onset."""
    reason: str
    """Of the decision; for a miss, the most frequent one in the first second of the talk."""
    bot_spoke_s: float
    """Duration of the bot's speech up to then."""
    delay_ms: float | None
    """The bank's delay estimate."""
    delay_confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class CallMeasurements:
    """Measurements of one call."""

    bot_speech_s: float
    false_barge_ins: int
    onset_to_silence_ms: tuple[float | None, ...]
    """Per interruption; None for a miss."""
    delay_errors_ms: NDArray[np.float64]
    erle_db: float | None
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class PooledScores:
    """Scores of several calls; None without anything to measure."""

    calls: int
    bot_speech_s: float
    false_barge_ins: int
    false_barge_ins_per_hour: float | None
    """Of bot speech."""
    interruptions: int
    heard: int
    missed: int
    onset_to_silence_p50_ms: float | None
    onset_to_silence_p95_ms: float | None
    delay_error_p95_ms: float | None
    erle_db: float | None
    """The median of the calls' medians."""

    def as_dict(self) -> dict[str, Any]:
        """The fields, numbers rounded to tenths."""
        return {
            key: round(value, 1) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def measure_call(
    call: int, record: CallRecord, trace: BankTrace, stop_samples: Sequence[int]
) -> CallMeasurements:
    """The measurements of one call; `call` is its number within its condition."""
    stops = find_stops(record, stop_samples)
    interruptions = [
        each
        for each in find_interruptions(record, stops)
        if each.spoken.onset_sample / record.rate_hz <= record.duration_s - _LATEST_S
    ]
    sounds = has_sound(trace.played, record.rate_hz)
    figures = score("", record, stop_samples, trace)
    return CallMeasurements(
        bot_speech_s=figures.bot_speech_s,
        false_barge_ins=figures.false_barge_ins,
        onset_to_silence_ms=tuple(each.onset_to_silence_ms for each in interruptions),
        delay_errors_ms=delay_errors_ms(trace, sounds),
        erle_db=figures.erle_db,
        failures=tuple(_failures(call, record, trace, stops, interruptions, sounds)),
    )


def pool(calls: Sequence[CallMeasurements]) -> PooledScores:
    """The scores of all `calls` together."""
    all_ms = [ms for call in calls for ms in call.onset_to_silence_ms]
    heard_ms = [ms for ms in all_ms if ms is not None]
    errors_ms = np.concatenate([np.zeros(0), *(call.delay_errors_ms for call in calls)])
    erles_db = [call.erle_db for call in calls if call.erle_db is not None]
    speech_s = sum(call.bot_speech_s for call in calls)
    false = sum(call.false_barge_ins for call in calls)
    return PooledScores(
        calls=len(calls),
        bot_speech_s=speech_s,
        false_barge_ins=false,
        false_barge_ins_per_hour=false * 3600 / speech_s if speech_s else None,
        interruptions=len(all_ms),
        heard=len(heard_ms),
        missed=len(all_ms) - len(heard_ms),
        onset_to_silence_p50_ms=quantile(heard_ms, 0.5),
        onset_to_silence_p95_ms=quantile(heard_ms, 0.95),
        delay_error_p95_ms=quantile(errors_ms, 0.95),
        erle_db=quantile(erles_db, 0.5),
    )


def _failures(
    call: int,
    record: CallRecord,
    trace: BankTrace,
    stops: Sequence[Stop],
    interruptions: Sequence[InterruptionOutcome],
    sounds: NDArray[np.bool_],
) -> list[Failure]:
    tick = record.tick_samples
    found = []
    for stop in stops:
        if not stop.true:
            # The silence begins with the tick after the one of the decision.
            at = stop.sample // tick - 1
            found.append(_failure("false_barge_in", call, at, int(trace.reason[at]), trace, sounds))
    for missed in interruptions:
        if missed.onset_to_silence_ms is None:
            at = missed.spoken.onset_sample // tick
            reason = _usual_reason(trace, at)
            found.append(_failure("missed", call, at, reason, trace, sounds))
    return sorted(found, key=lambda failure: failure.at_s)


def _failure(
    kind: Literal["false_barge_in", "missed"],
    call: int,
    at: int,
    reason: int,
    trace: BankTrace,
    sounds: NDArray[np.bool_],
) -> Failure:
    delay_ms = float(trace.delay_ms[at])
    return Failure(
        kind=kind,
        call=call,
        at_s=round(at * TICK_MS / 1000, 2),
        reason=Reason(reason).name.lower(),
        bot_spoke_s=round(_spoken_ticks(sounds, at) * TICK_MS / 1000, 2),
        delay_ms=round(delay_ms, 1) if np.isfinite(delay_ms) else None,
        delay_confidence=round(float(trace.delay_confidence[at]), 2),
    )


def _usual_reason(trace: BankTrace, at: int) -> int:
    """The most frequent reason while there was sound."""
    later = slice(at, at + round(_MISS_LOOK_S * 1000 / TICK_MS))
    reasons = trace.reason[later][trace.decision[later] != Decision.CALLER]
    spoken = reasons[reasons != Reason.QUIET]
    chosen = spoken if spoken.size else reasons
    return int(np.argmax(np.bincount(chosen))) if chosen.size else int(Reason.QUIET)


def _spoken_ticks(sounds: NDArray[np.bool_], at: int) -> int:
    """Ticks since the bot started to speak; pauses of up to 0.5 s do not end speech."""
    pause_ticks = 500 // TICK_MS
    before = np.flatnonzero(sounds[: at + 1])
    if before.size == 0:
        return 0
    ends = np.flatnonzero(np.diff(before) > pause_ticks)
    first = int(before[ends[-1] + 1]) if ends.size else int(before[0])
    return at - first
