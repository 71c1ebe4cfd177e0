"""Interface of a duplex bank: input and output of one 20 ms step of all calls.

bank.py has the implementation of the product. Code that needs only the interface (the clock, the
lab's baselines, benchmarks, external measurements) imports this module alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

TICK_MS = 20
"""Frame length (ptime) of the bank, ms: the audio per slot and step."""

PHASES = 40
"""Number of different phases: the ticks after which both the delay tracker (5 ticks) and the VAD's
windows (8 ticks) are where they were."""

Pcm = NDArray[np.int16]
"""16-bit linear PCM, full scale 32768."""


class Decision(IntEnum):
    """The bank's decision for one slot in one tick."""

    NONE = 0
    """Silence, sound that the echo explains, or not enough evidence yet."""
    ONSET = 1
    """Probable caller speech. Ducks the bot and may start work that is cheap to undo. Never stops
    the bot."""
    CALLER = 2
    """The caller speaks. Held until the caller's speech ends; its rising edge stops the bot."""


class Reason(IntEnum):
    """Reason for a slot's decision, for traces and diagnosis."""

    QUIET = 0
    """Nothing above the line's noise floor."""
    NOT_SPEECH = 1
    """Sound, but not speech."""
    ECHO_EXPLAINED = 2
    """Speech that the aligned echo of the played audio explains."""
    HOLDING_NO_LOCK = 3
    """Speech that may be echo: the delay tracker has no lock yet."""
    GATHERING = 4
    """Speech beyond the echo, but not enough evidence yet."""
    SPEECH_NO_ECHO = 5
    """Caller: speech while no played audio could return as echo."""
    SPEECH_OVER_ECHO = 6
    """Caller: speech beyond what the aligned echo explains (double talk)."""
    LOUDER_THAN_ECHO = 7
    """Caller: louder than any possible echo of the played audio, at any delay."""
    NO_ECHO_ON_LINE = 8
    """Caller: the bot has spoken long enough to establish that this line returns no echo."""
    NO_ECHO_FOUND = 9
    """Caller: speech in the bot's first two seconds, in which no delay of what it said is found."""
    SPEECH_NO_LOCK = 10
    """Caller: a voice that the learned judge takes for no echo, though the delay tracker has no
    lock. The rule judge proves what it decides then; a network estimates."""


LOCKED: Final = 0.5
"""Confidence from which on a delay counts as known."""


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one step, one row per slot; rows of closed slots are zero.

    The next step does not overwrite the arrays.
    """

    cleaned: Pcm
    """[slots, samples] caller audio after echo cancellation."""
    speech: NDArray[np.float32]
    """[slots] probability 0..1 that `cleaned` holds speech."""
    decision: NDArray[np.int8]
    """[slots] a `Decision`."""
    delay_ms: NDArray[np.float32]
    """[slots] delay of the echo in `caller` relative to `played`, ms; NaN before the first lock."""
    delay_confidence: NDArray[np.float32]
    """[slots] 0..1; the delay counts as locked from `LOCKED` on."""
    erle_db: NDArray[np.float32]
    """[slots] echo return loss enhancement (ITU-T G.168, 3.4), smoothed over about 1 s of echo;
    NaN before the first echo."""
    reason: NDArray[np.int8]
    """[slots] a `Reason`."""
    why: Mapping[int, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """By slot whose decision rises to `CALLER` in this tick: the groups of features that carried
    it, up to three, the largest contribution to the logit first. Empty for a bank without a
    learned judge."""


class DuplexBank(Protocol):
    """The duplex processing of all calls of a pod; one step per tick."""

    @property
    def slots(self) -> int: ...

    @property
    def rate(self) -> int: ...

    def open(self, slot: int, phase: int = 0) -> None:
        """Start a call in `slot`; no state of the previous call remains.

        Args:
            slot: a closed one.
            phase: ticks, 0 or more, by which the call's rarer work (delay tracking, windows of the
                VAD) is shifted. It belongs to the call: the same audio with the same phase gives
                the same steps, in any slot and among any other calls. Calls of different phases
                share out the work over the ticks.
        """

    def close(self, slot: int) -> None:
        """End the call in `slot`."""

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        """Advance every call by one tick.

        Args:
            caller: int16 [slots, samples], audio received from each caller in this tick; 160
                samples at 8 kHz, 320 at 16 kHz.
            played: int16 [slots, samples], audio sent to each caller at the start of this tick.
            slipped: int32 [slots], samples by which the gather phase shifted the caller's audio:
                positive for later (it waited or filled), negative for earlier (it dropped).

        Raises:
            ValueError: an array has another shape or type.
        """
