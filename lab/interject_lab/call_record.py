"""What is left of a simulated call: both directions, when each frame passed, what was true."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]

UNDERRUN = -1


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that the caller said; positions in samples of the caller's stream."""

    label: str
    onset_sample: int
    """The first 10 ms within 18 dB of the utterance's active level."""
    end_sample: int
    """Exclusive, by the same measure."""
    interrupts: bool
    """The bot was speaking at the onset."""


@dataclass(frozen=True, slots=True, eq=False)
class CallRecord:
    """One call as the telephone saw it.

    Frames are ticks of 20 ms. All times are of one monotonic clock, in ns.
    """

    rate_hz: int
    caller: Pcm
    """int16 [caller frames * tick], what the telephone sent: near end, echo and noise."""
    bot: Pcm
    """int16 [samples], what the telephone received."""
    caller_sent_ns: NDArray[np.int64]
    """[caller frames] when each frame was written."""
    bot_arrived_ns: NDArray[np.int64]
    """[bot frames] when the last of each frame came; what never came, when it was due."""
    bot_played_sample: NDArray[np.int64]
    """[caller frames] the first sample of `bot` that the telephone played in each of its ticks,
    `UNDERRUN` where it had none."""
    line_delay_ms: NDArray[np.float32]
    """[caller frames] how late the echo in each frame is on the line itself, its path included."""
    spoken: tuple[Spoken, ...]
    ended: str
    """How the call ended, in words."""

    @property
    def tick_samples(self) -> int:
        return self.rate_hz * TICK_MS // 1000

    @property
    def duration_s(self) -> float:
        return self.caller.size / self.rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class BankTrace:
    """What the bank was given of one call and what it made of it, a row per tick of the pod."""

    caller: Pcm
    """int16 [ticks * tick], as it came to the bank."""
    played: Pcm
    """int16 [ticks * tick], as it left for the caller."""
    cleaned: Pcm
    """int16 [ticks * tick]"""
    speech: NDArray[np.float32]
    decision: NDArray[np.int8]
    reason: NDArray[np.int8]
    delay_ms: NDArray[np.float32]
    delay_confidence: NDArray[np.float32]
    erle_db: NDArray[np.float32]
    true_delay_ms: NDArray[np.float32]
    """The delay that `delay_ms` should be; NaN where it cannot be known."""
