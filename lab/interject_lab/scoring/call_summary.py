"""Summary of a call from the telephone alone: it sees silence on the wire, not decisions.

A *stop* here: the bot falls silent within 1.5 s after the caller starts to talk over it, and stays
silent until the caller has finished, at least for 300 ms. The end of the bot's speech at this time
counts as a stop too; and a stop without a caller is like the end of a sentence, so false barge-ins
cannot be detected on the wire.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from interject_lab.call_record import UNDERRUN, CallRecord
from interject_lab.network.levels import BOT_PAUSE_MS
from interject_lab.scoring.outcome import HEARD_WITHIN_MS, find_interruptions, find_stops, has_sound
from media_pod.duplex.contract import TICK_MS

_PAUSE_TICKS = BOT_PAUSE_MS // TICK_MS


@dataclass(frozen=True, slots=True)
class InterruptionSummary:
    """One interruption of the bot by the caller."""

    label: str
    onset_s: float
    """On the telephone's clock."""
    onset_to_silence_ms: float | None
    """None if the bot continued."""


@dataclass(frozen=True, slots=True)
class CallSummary:
    """One call."""

    ended: str
    duration_s: float
    bot_speech_s: float
    bot_turns: int
    """Stretches of the bot's speech without a pause of more than 300 ms."""
    interruptions: tuple[InterruptionSummary, ...]
    stops: int
    """During or right after the caller's talk."""
    underruns: int
    """Ticks in which the playout buffer was empty, from the first frame on."""

    def as_dict(self) -> dict[str, Any]:
        """The fields, seconds rounded to ms."""
        fields = asdict(self)
        for each in (fields, *fields["interruptions"]):
            for key, value in each.items():
                if isinstance(value, float):
                    each[key] = round(value, 3 if key.endswith("_s") else 1)
        return fields


def summarize(record: CallRecord) -> CallSummary:
    """The summary of `record`."""
    sounds = np.flatnonzero(has_sound(record.bot, record.rate_hz))
    stops = find_stops(record, stop_samples(record))
    talked_over = tuple(
        InterruptionSummary(
            each.spoken.label,
            each.spoken.onset_sample / record.rate_hz,
            each.onset_to_silence_ms,
        )
        for each in find_interruptions(record, stops)
    )
    return CallSummary(
        ended=record.ended,
        duration_s=record.duration_s,
        bot_speech_s=sounds.size * TICK_MS / 1000,
        bot_turns=_turns(sounds),
        interruptions=talked_over,
        stops=sum(each.onset_to_silence_ms is not None for each in talked_over),
        underruns=_underruns(record),
    )


def stop_samples(record: CallRecord) -> list[int]:
    """Where in `record.bot` the bot was cut short, as far as the wire shows it."""
    sounds = np.flatnonzero(has_sound(record.bot, record.rate_hz))
    ends = sounds[np.append(np.diff(sounds) > _PAUSE_TICKS, True)] if sounds.size else sounds
    found = []
    for spoken in record.spoken:
        if not spoken.interrupts:
            continue
        onset_ms, end_ms = (
            _sent_ms(record, sample) for sample in (spoken.onset_sample, spoken.end_sample)
        )
        for end in ends:
            silence_ms = _arrived_ms(record, int(end)) + TICK_MS
            goes_on_ms = _next_sound_ms(record, sounds, int(end))
            if onset_ms <= silence_ms <= onset_ms + HEARD_WITHIN_MS and goes_on_ms >= end_ms:
                found.append((int(end) + 1) * record.tick_samples)
    return sorted(set(found))


def as_text(seen: CallSummary) -> str:
    """The summary as lines of text."""
    lines = [
        f"call          {seen.duration_s:.1f} s; {seen.ended}",
        f"bot           spoke for {seen.bot_speech_s:.1f} s in {seen.bot_turns} turns",
        f"interruptions {len(seen.interruptions)}; the bot fell silent at {seen.stops}",
    ]
    for each in seen.interruptions:
        after_ms = each.onset_to_silence_ms
        then = "went on" if after_ms is None else f"silent {after_ms:.0f} ms after the onset"
        lines.append(f"  {each.onset_s:6.2f} s  {each.label}: {then}")
    lines.append(f"underruns     {seen.underruns}")
    return "\n".join(lines)


def _turns(sounds: np.ndarray[Any, np.dtype[np.intp]]) -> int:
    return int(np.sum(np.diff(sounds) > _PAUSE_TICKS)) + 1 if sounds.size else 0


def _underruns(record: CallRecord) -> int:
    played = np.flatnonzero(record.bot_played_sample != UNDERRUN)
    if played.size == 0:
        return 0
    return int(np.sum(record.bot_played_sample[played[0] :] == UNDERRUN))


def _next_sound_ms(
    record: CallRecord, sounds: np.ndarray[Any, np.dtype[np.intp]], end: int
) -> float:
    later = sounds[sounds > end]
    return _arrived_ms(record, int(later[0])) if later.size else float("inf")


def _arrived_ms(record: CallRecord, frame: int) -> float:
    return float(record.bot_arrived_ns[min(frame, record.bot_arrived_ns.size - 1)]) / 1e6


def _sent_ms(record: CallRecord, sample: int) -> float:
    frame = min(sample // record.tick_samples, record.caller_sent_ns.size - 1)
    return float(record.caller_sent_ns[frame]) / 1e6
