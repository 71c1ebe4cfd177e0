"""The record of a simulated call: audio of both directions, times of frames, ground truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]

UNDERRUN = -1
NOTHING = -1


SoundKind = Literal[
    "none", "interruption", "backchannel", "noise", "second_speaker", "dtmf", "answer"
]
"""What sounds at the caller's end. An interruption is meant for the bot while it speaks, an answer
comes after it has spoken."""

MEANT_FOR_THE_BOT: Final[frozenset[SoundKind]] = frozenset({"interruption", "answer"})


@dataclass(frozen=True, slots=True)
class Sound:
    """A planned sound of the caller's end."""

    kind: SoundKind
    what: str
    """The voice, or the kind of noise."""
    level_dbfs: float
    """Active level."""
    in_the_field: bool = False
    """Recorded, or made to sound, as in a room with hiss."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance of the caller; positions in samples of the caller's stream."""

    label: str
    onset_sample: int
    """The first 10 ms within 18 dB of the utterance's active level."""
    end_sample: int
    """Exclusive, by the same measure."""
    interrupts: bool
    """The bot was speaking at the onset."""
    plan_index: int | None = None
    """Place in the caller's plan; None for an utterance that was not planned."""


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
    """[bot frames] when the end of each frame arrived; for a lost frame, when it was due."""
    bot_played_sample: NDArray[np.int64]
    """[caller frames] the first sample of `bot` that the telephone played in each of its ticks,
    `UNDERRUN` where it had none."""
    line_delay_ms: NDArray[np.float32]
    """[caller frames] how late the echo in each frame is on the line itself, its path included."""
    spoken: tuple[Spoken, ...]
    ended: str
    """How the call ended, as text."""

    @property
    def tick_samples(self) -> int:
        return self.rate_hz * TICK_MS // 1000

    @property
    def duration_s(self) -> float:
        return self.caller.size / self.rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class BankTrace:
    """Input and output of the pod's bank in one call, one row per tick."""

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
    near_tick: NDArray[np.int64] | None = None
    """The tick of the caller whose own sound each tick carries, `NOTHING` where it was lost; None
    where it is not known."""
    why: Mapping[int, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """By tick: what carried a rise to CALLER, the most first."""
