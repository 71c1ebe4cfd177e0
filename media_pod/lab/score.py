"""How well a call went: interruptions heard, stops that nobody asked for, delay, echo.

All times are as seen on the wire, by the telephone's clock:

- *onset*: when the telephone wrote the frame that carries the first 10 ms of the caller's talk.
- *silence*: when the last frame with sound from the bot that belongs to a stop has been played
  out, which is its arrival plus its 20 ms. Sound is what lies above -60 dBFS.
- An interruption is *heard* if a stop follows its onset and the silence begins within 1.5 s.
- A *false* barge-in is a stop while the caller is not speaking and has not been for 300 ms.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.lab.caller import Spoken
from media_pod.lab.levels import SILENCE_DBFS, frame_powers
from media_pod.lab.record import CallRecord, Trace

HEARD_WITHIN_MS = 1500.0
GRACE_MS = 300.0
LOCKED = 0.5
"""A delay counts as locked from this confidence on (duplex.contract.Step)."""

_TRAILING_FRAMES = 10
"""A pod that says it has stopped has 200 ms to prove it on the wire."""
_ERLE_BLOCK_TICKS = 25
_ECHO_RANGE_DB = 20.0


@dataclass(frozen=True, slots=True)
class CallScore:
    """One call's figures; None where the call gave nothing to measure."""

    name: str
    duration_s: float
    bot_speech_s: float
    stops: int
    false_barge_ins: int
    interruptions: int
    heard: int
    missed: int
    onset_to_silence_p50_ms: float | None
    onset_to_silence_max_ms: float | None
    delay_error_p50_ms: float | None
    delay_error_p95_ms: float | None
    locked_percent: float | None
    """Of the time since the bot's first sound."""
    erle_db: float | None
    """Echo taken out while only the echo was there: the median over half seconds of echo."""

    def as_dict(self) -> dict[str, str | int | float | None]:
        """The fields, numbers rounded to tenths."""
        fields: dict[str, str | int | float | None] = asdict(self)
        return {
            key: round(value, 1) if isinstance(value, float) else value
            for key, value in fields.items()
        }


@dataclass(frozen=True, slots=True)
class Stop:
    """One time that the bot was cut short."""

    sample: int
    """In the bot's stream: the first sample of the silence, as the pod or the bot tells it."""
    silence_ns: int
    """When the bot's last sound before the stop had been played out."""
    true: bool
    """The caller spoke, or had just spoken."""


def score(
    name: str, record: CallRecord, stop_samples: Sequence[int], trace: Trace | None = None
) -> CallScore:
    """Score one call.

    Args:
        name: goes into the score.
        record: the call as the telephone saw it.
        stop_samples: where in the bot's stream the bot was cut short: the first sample of each
            silence. The pod tells it; a natural end of speech cannot be told from it on the wire.
        trace: what the bank made of the call; without it nothing is known of delay and ERLE.
    """
    stops = find_stops(record, stop_samples)
    sounding = _sounding(record)
    interruptions = [spoken for spoken in record.spoken if spoken.interrupts]
    latencies = [onset_to_silence_ms(record, stops, spoken) for spoken in interruptions]
    heard = [latency for latency in latencies if latency is not None]
    errors = np.zeros(0) if trace is None else _delay_errors_ms(trace)
    return CallScore(
        name=name,
        duration_s=record.duration_s,
        bot_speech_s=float(np.sum(sounding)) * TICK_MS / 1000,
        stops=len(stops),
        false_barge_ins=sum(not stop.true for stop in stops),
        interruptions=len(interruptions),
        heard=len(heard),
        missed=len(interruptions) - len(heard),
        onset_to_silence_p50_ms=_quantile(heard, 0.5),
        onset_to_silence_max_ms=_quantile(heard, 1.0),
        delay_error_p50_ms=_quantile(errors, 0.5),
        delay_error_p95_ms=_quantile(errors, 0.95),
        locked_percent=None if trace is None else _locked_percent(trace, sounding),
        erle_db=None if trace is None else _erle_db(record, trace, sounding),
    )


def find_stops(record: CallRecord, stop_samples: Sequence[int]) -> list[Stop]:
    """Each stop with the time of its silence and whether the caller asked for it."""
    sounding = _sounding(record)
    return [
        Stop(sample, silence_ns, _caller_spoke(record, silence_ns))
        for sample in stop_samples
        if (silence_ns := _silence_ns(record, sounding, sample)) is not None
    ]


def onset_to_silence_ms(record: CallRecord, stops: Sequence[Stop], spoken: Spoken) -> float | None:
    """From the onset of `spoken` to the bot's silence; None if it was not heard."""
    onset_ns = _sent_ns(record, spoken.onset_sample)
    for stop in stops:
        stop_frame = min(stop.sample // record.tick_samples, record.bot_arrived_ns.size - 1)
        # The silence may have begun in a pause of the bot's before the onset: that is no delay.
        latency_ms = max((stop.silence_ns - onset_ns) / 1e6, 0.0)
        stopped_after_onset = record.bot_arrived_ns[stop_frame] >= onset_ns
        if stopped_after_onset and latency_ms <= HEARD_WITHIN_MS:
            return latency_ms
    return None


def _sounding(record: CallRecord) -> NDArray[np.bool_]:
    """[bot frames] whether there is sound in each."""
    return np.asarray(frame_powers(record.bot, record.tick_samples) > 10 ** (SILENCE_DBFS / 10))


def _silence_ns(record: CallRecord, sounding: NDArray[np.bool_], sample: int) -> int | None:
    end = min(sample // record.tick_samples + _TRAILING_FRAMES, sounding.size)
    before = np.flatnonzero(sounding[:end])
    if before.size == 0:
        return None
    return int(record.bot_arrived_ns[before[-1]]) + TICK_MS * 1_000_000


def _sent_ns(record: CallRecord, sample: int) -> int:
    frame = min(sample // record.tick_samples, record.caller_sent_ns.size - 1)
    return int(record.caller_sent_ns[frame])


def _caller_spoke(record: CallRecord, at_ns: int) -> bool:
    return any(
        _sent_ns(record, spoken.onset_sample) <= at_ns
        and at_ns <= _sent_ns(record, spoken.end_sample) + GRACE_MS * 1e6
        for spoken in record.spoken
    )


def _delay_errors_ms(trace: Trace) -> NDArray[np.float64]:
    errors = np.abs(trace.delay_ms - trace.true_delay_ms)
    locked = (trace.delay_confidence >= LOCKED) & np.isfinite(errors)
    return np.asarray(errors[locked], np.float64)


def _locked_percent(trace: Trace, sounding: NDArray[np.bool_]) -> float | None:
    spoke = np.flatnonzero(sounding)
    if spoke.size == 0 or spoke[0] >= trace.delay_confidence.size:
        return None
    return 100 * float(np.mean(trace.delay_confidence[spoke[0] :] >= LOCKED))


def _erle_db(record: CallRecord, trace: Trace, sounding: NDArray[np.bool_]) -> float | None:
    tick = record.tick_samples
    before, after = frame_powers(record.caller, tick), frame_powers(trace.cleaned, tick)
    ticks = min(before.size, after.size, sounding.size)
    before, after = before[:ticks], after[:ticks]
    echoing = sounding[:ticks].copy()
    for spoken in record.spoken:
        echoing[spoken.onset_sample // tick : spoken.end_sample // tick + 1] = False
    if not echoing.any():
        return None
    echoing &= before > np.quantile(before[echoing], 0.95) * 10 ** (-_ECHO_RANGE_DB / 10)
    blocks = np.flatnonzero(echoing)
    blocks = blocks[: blocks.size // _ERLE_BLOCK_TICKS * _ERLE_BLOCK_TICKS]
    if blocks.size == 0:
        return None
    grouped = blocks.reshape(-1, _ERLE_BLOCK_TICKS)
    left = np.maximum(after[grouped].mean(axis=1), 1e-10)
    return float(np.median(10 * np.log10(before[grouped].mean(axis=1) / left)))


def _quantile(values: Sequence[float] | NDArray[np.float64], at: float) -> float | None:
    if len(values) == 0:
        return None
    quantile = float(np.quantile(values, at))
    return quantile if math.isfinite(quantile) else None
