"""Score of a call: barge-ins (outcome.py), delay estimate and echo cancellation."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import BankTrace, CallRecord
from interject_lab.network.levels import frame_powers
from interject_lab.scoring.outcome import find_interruptions, find_stops, has_sound
from interject_lab.scoring.truth import caller_lead
from media_pod.duplex.contract import LOCKED, TICK_MS, Decision

_BLOCK_TICKS = 25
_ECHO_RANGE_DB = 20.0


@dataclass(frozen=True, slots=True)
class CallScore:
    """One call's figures; None without anything to measure."""

    name: str
    duration_s: float
    bot_speech_s: float
    stops: int
    false_barge_ins: int
    interruptions: int
    heard: int
    missed: int
    ducks: int | None
    """Doubts during the bot's speech: its voice was lowered."""
    onset_to_silence_p50_ms: float | None
    onset_to_silence_max_ms: float | None
    delay_error_p50_ms: float | None
    """Of the delay found against the true one, while locked and while the echo is there to find."""
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


def score(
    name: str, record: CallRecord, stop_samples: Sequence[int], trace: BankTrace | None = None
) -> CallScore:
    """Score one call.

    Args:
        name: goes into the score.
        record: the call as the telephone saw it.
        stop_samples: as in `outcome.find_stops`.
        trace: what the bank made of the call; without it nothing is known of delay and echo.
    """
    stops = find_stops(record, stop_samples)
    interruptions = find_interruptions(record, stops)
    heard_ms = [
        interruption.onset_to_silence_ms
        for interruption in interruptions
        if interruption.onset_to_silence_ms is not None
    ]
    bot_speech_s = float(np.sum(has_sound(record.bot, record.rate_hz))) * TICK_MS / 1000
    sounds = np.zeros(0, np.bool_) if trace is None else has_sound(trace.played, record.rate_hz)
    errors_ms = np.zeros(0) if trace is None else delay_errors_ms(trace, sounds)
    return CallScore(
        name=name,
        duration_s=record.duration_s,
        bot_speech_s=bot_speech_s,
        stops=len(stops),
        false_barge_ins=sum(not stop.true for stop in stops),
        interruptions=len(interruptions),
        heard=len(heard_ms),
        missed=len(interruptions) - len(heard_ms),
        ducks=None if trace is None else len(duck_spans(trace, sounds)),
        onset_to_silence_p50_ms=quantile(heard_ms, 0.5),
        onset_to_silence_max_ms=quantile(heard_ms, 1.0),
        delay_error_p50_ms=quantile(errors_ms, 0.5),
        delay_error_p95_ms=quantile(errors_ms, 0.95),
        locked_percent=None if trace is None else _locked_percent(trace, sounds),
        erle_db=None if trace is None else _erle_db(record, trace, sounds),
    )


def duck_spans(trace: BankTrace, sounds: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The doubts that lowered the bot's voice: first tick, and the one after the last.

    Args:
        trace: what the bank made of the call.
        sounds: [ticks] whether there was sound in what was played (`has_sound`).
    """
    doubt = trace.decision == Decision.ONSET
    edges = np.flatnonzero(np.diff(doubt, prepend=False, append=False)).reshape(-1, 2)
    return [(begin, end) for begin, end in edges.tolist() if sounds[begin:end].any()]


def delay_errors_ms(trace: BankTrace, sounds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far off the delay was, in ms, in each tick that counts: locked, with echo there to find.

    Args:
        trace: what the bank made of the call.
        sounds: [ticks] whether there was sound in what was played (`has_sound`).
    """
    errors_ms = np.abs(trace.delay_ms - trace.true_delay_ms)
    known = np.flatnonzero((trace.delay_confidence >= LOCKED) & np.isfinite(errors_ms))
    # A delay that steps while the bot is silent cannot be found before its next sound comes back.
    source = known - np.rint(trace.true_delay_ms[known] / TICK_MS).astype(np.int64)
    echoing = (source >= 0) & (source < sounds.size)
    echoing[echoing] = sounds[source[echoing]]
    return np.asarray(errors_ms[known[echoing]], np.float64)


def _locked_percent(trace: BankTrace, sounds: NDArray[np.bool_]) -> float | None:
    spoke = np.flatnonzero(sounds)
    if spoke.size == 0:
        return None
    return 100 * float(np.mean(trace.delay_confidence[spoke[0] :] >= LOCKED))


def _erle_db(record: CallRecord, trace: BankTrace, sounds: NDArray[np.bool_]) -> float | None:
    tick = record.tick_samples
    echoing = sounds.copy()
    lead = caller_lead(record, trace.caller)
    for spoken in record.spoken:
        start, end = ((at + lead) // tick for at in (spoken.onset_sample, spoken.end_sample))
        echoing[max(start, 0) : max(end + 1, 0)] = False
    return erle_db(trace, echoing, tick)


def erle_db(trace: BankTrace, only_echo: NDArray[np.bool_], tick_samples: int) -> float | None:
    """Echo taken out, the median over half seconds of echo; None without any.

    Args:
        trace: what the bank made of the call.
        only_echo: [ticks] where the echo is the only sound; its loud parts count.
        tick_samples: samples in a tick.
    """
    if not only_echo.any():
        return None
    before, after = (frame_powers(audio, tick_samples) for audio in (trace.caller, trace.cleaned))
    loud = before > np.quantile(before[only_echo], 0.95) * 10 ** (-_ECHO_RANGE_DB / 10)
    blocks = half_second_blocks(np.flatnonzero(only_echo & loud))
    if blocks.size == 0:
        return None
    left = np.maximum(after[blocks].mean(axis=1), 1e-10)
    return float(np.median(10 * np.log10(before[blocks].mean(axis=1) / left)))


def half_second_blocks(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """[blocks, ticks of half a second] of `ticks`; the rest is left out."""
    whole = ticks.size // _BLOCK_TICKS * _BLOCK_TICKS
    return ticks[:whole].reshape(-1, _BLOCK_TICKS)


def quantile(values: Sequence[float] | NDArray[np.float64], at: float) -> float | None:
    """The `at` (0..1) quantile of `values`; None for none, or if it is not finite."""
    if len(values) == 0:
        return None
    found = float(np.quantile(values, at))
    return found if math.isfinite(found) else None
