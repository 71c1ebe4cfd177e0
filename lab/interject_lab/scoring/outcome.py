"""Events of a call: stops of the bot, and interruptions by the caller.

All times are as seen on the wire, by the telephone's clock:

- *onset*: when the telephone wrote the frame that carries the first 10 ms of the caller's talk.
- *silence*: when the last frame with sound from the bot that belongs to a stop has been played
  out, which is its arrival plus its 20 ms; but no earlier than the first frame that the stop made
  silent has come, because the bot may have paused for breath just then. Sound is what lies above
  -60 dBFS.
- An *interruption* is talk that begins while the bot speaks. It is *heard* if a stop follows the
  onset and the silence begins within 1.5 s. It does not count if the bot, without a stop, has no
  more to say from 300 ms after the onset on.
- A stop is *true* if the caller is speaking, or was in the last 300 ms; otherwise it is *false*.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import CallRecord, Spoken
from interject_lab.network.levels import SILENCE_DBFS, frame_powers
from media_pod.duplex.contract import TICK_MS

HEARD_WITHIN_MS = 1500.0
GRACE_MS = 300.0
ENDING_MS = 300.0

_TRAILING_FRAMES = 10
"""A stop must show on the wire within 200 ms."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One cut of the bot's speech."""

    sample: int
    """In the bot's stream: where it was cut short, from the pod's or the bot's log."""
    silence_ns: int
    """When the bot was silent because of the stop."""
    true: bool


@dataclass(frozen=True, slots=True)
class InterruptionOutcome:
    """One interruption of the bot by the caller."""

    spoken: Spoken
    onset_to_silence_ms: float | None
    """None if it was missed."""


def has_sound(pcm: NDArray[np.int16], rate_hz: int) -> NDArray[np.bool_]:
    """[ticks] whether there is sound in each tick of `pcm`."""
    powers = frame_powers(pcm, rate_hz * TICK_MS // 1000)
    return np.asarray(powers > 10 ** (SILENCE_DBFS / 10))


def find_stops(record: CallRecord, stop_samples: Sequence[int]) -> list[Stop]:
    """Each stop with the time of its silence; a stop before the bot's first sound is none.

    Args:
        record: the telephone's.
        stop_samples: where in `record.bot` the bot was cut short, in order. Known from the pod: on
            the wire a stop is like an end of speech.
    """
    sounds = has_sound(record.bot, record.rate_hz)
    return [
        Stop(sample, silence_ns, _caller_spoke(record, silence_ns))
        for sample in stop_samples
        if (silence_ns := _silence_ns(record, sounds, sample)) is not None
    ]


def find_interruptions(record: CallRecord, stops: Sequence[Stop]) -> list[InterruptionOutcome]:
    """Each interruption that counts, with the time it took."""
    sounds = has_sound(record.bot, record.rate_hz)
    found = []
    for spoken in record.spoken:
        if not spoken.interrupts:
            continue
        latency_ms = _onset_to_silence_ms(record, stops, spoken)
        if latency_ms is not None or _bot_talks_on(record, sounds, spoken):
            found.append(InterruptionOutcome(spoken, latency_ms))
    return found


def _onset_to_silence_ms(record: CallRecord, stops: Sequence[Stop], spoken: Spoken) -> float | None:
    onset_ns = _sent_ns(record, spoken.onset_sample)
    for stop in stops:
        latency_ms = (stop.silence_ns - onset_ns) / 1e6
        if 0 <= latency_ms <= HEARD_WITHIN_MS:
            return latency_ms
    return None


def _bot_talks_on(record: CallRecord, sounds: NDArray[np.bool_], spoken: Spoken) -> bool:
    since_ms = (record.bot_arrived_ns - _sent_ns(record, spoken.onset_sample)) / 1e6
    later = (since_ms > ENDING_MS) & (since_ms <= HEARD_WITHIN_MS)
    return bool(np.any(later[: sounds.size] & sounds[: later.size]))


def _silence_ns(record: CallRecord, sounds: NDArray[np.bool_], sample: int) -> int | None:
    end = min(sample // record.tick_samples + _TRAILING_FRAMES, sounds.size)
    before = np.flatnonzero(sounds[:end])
    if before.size == 0:
        return None
    last_sound_ns = int(record.bot_arrived_ns[before[-1]]) + TICK_MS * 1_000_000
    first_silent = min(sample // record.tick_samples, record.bot_arrived_ns.size - 1)
    return max(last_sound_ns, int(record.bot_arrived_ns[first_silent]))


def _sent_ns(record: CallRecord, sample: int) -> int:
    frame = min(sample // record.tick_samples, record.caller_sent_ns.size - 1)
    return int(record.caller_sent_ns[frame])


def _caller_spoke(record: CallRecord, at_ns: int) -> bool:
    return any(
        _sent_ns(record, spoken.onset_sample) <= at_ns
        and at_ns <= _sent_ns(record, spoken.end_sample) + GRACE_MS * 1e6
        for spoken in record.spoken
    )
