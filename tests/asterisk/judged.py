"""One call judged from both ends: the telephone's record and the pod's recording."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import BankTrace, CallRecord
from interject_lab.network.codecs import g711_roundtrip
from interject_lab.recorder.recorder import Recording
from interject_lab.scoring.outcome import (
    InterruptionOutcome,
    find_interruptions,
    find_stops,
    has_sound,
)
from interject_lab.scoring.score import delay_errors_ms, quantile
from interject_lab.scoring.truth import in_bot_stream, true_delay_ms
from media_pod.duplex.contract import TICK_MS
from media_pod.providers.ports import Pcm

RIGHT_WITHIN_MS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """How a call went."""

    interruptions: tuple[InterruptionOutcome, ...]
    false_stops: int
    delay_error_p95_ms: float | None
    """While locked."""
    locked_percent: float
    """Of all ticks."""
    first_step_ms: float
    """By how much the true delay changed in the first second."""
    locked_after_ms: float
    """From the bot's first sound until the delay that was found is the true one, within 5 ms."""

    @property
    def missed(self) -> int:
        """Interruptions that did not stop the bot."""
        return sum(each.onset_to_silence_ms is None for each in self.interruptions)

    @property
    def to_last_rtp_ms(self) -> list[float]:
        """From the caller's onset at the microphone to the last packet with sound from the bot."""
        # The lab counts silence from the end of that packet's 20 ms.
        return [
            each.onset_to_silence_ms - 20
            for each in self.interruptions
            if each.onset_to_silence_ms is not None
        ]


def played_as_heard(recording: Recording) -> Pcm:
    """What the pod played, as it comes out of Asterisk's mu-law.

    Asterisk looks up the upper 14 bits of a sample, and its table has the code of the highest of
    the four samples that share them (main/ulaw.c).
    """
    return g711_roundtrip(recording.audio("played") | 3, "mu")


def judge(record: CallRecord, recording: Recording) -> Judged:
    """Judge a call in G.711, mu-law: what the telephone got is what the pod sent, companded."""
    caller, played = recording.audio("caller"), recording.audio("played")
    heard = played_as_heard(recording)
    trace = recording.trace(true_delay_ms(record, caller, heard))
    stops = find_stops(record, in_bot_stream(record, heard, recording.stop_samples(record.rate_hz)))
    errors_ms = delay_errors_ms(trace, has_sound(played, record.rate_hz))
    return Judged(
        interruptions=tuple(find_interruptions(record, stops)),
        false_stops=sum(not stop.true for stop in stops),
        delay_error_p95_ms=quantile(errors_ms, 0.95),
        locked_percent=100 * float((trace.delay_confidence >= 0.5).mean()),
        first_step_ms=_first_step_ms(trace),
        locked_after_ms=_locked_after_ms(trace, has_sound(played, record.rate_hz)),
    )


def _first_step_ms(trace: BankTrace) -> float:
    known = trace.true_delay_ms[np.isfinite(trace.true_delay_ms)]
    first_second = known[: 1000 // TICK_MS]
    return float(first_second[-1] - first_second[0])


def _locked_after_ms(trace: BankTrace, sounds: NDArray[np.bool_]) -> float:
    right = np.abs(trace.delay_ms - trace.true_delay_ms) < RIGHT_WITHIN_MS
    return float(np.argmax(right) - np.argmax(sounds)) * TICK_MS
