"""The bank's contract: what one 20 ms step of all calls takes and gives.

`Bank` in bank.py is the product. Whoever only needs its shape (the clock, the lab's other
arrangements, benches, outside measurements) depends on this file alone.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TICK_MS = 20
"""ptime of the bank: every step carries this much audio of every slot."""

Pcm = NDArray[np.int16]
"""Linear PCM, full scale 32768."""


class Decision(IntEnum):
    """What the bank makes of one slot in one tick."""

    NONE = 0
    """Silence, or sound that is explained by the echo, or not yet enough evidence."""
    ONSET = 1
    """Probably the caller: work that is cheap to undo may start. Never stops the bot."""
    CALLER = 2
    """The caller speaks. Stays for as long as the caller goes on; its rise stops the bot."""


class Reason(IntEnum):
    """Why a slot's decision is what it is, for people who ask why the bot stopped."""

    QUIET = 0
    """Nothing above the line's noise floor."""
    NOT_SPEECH = 1
    """Sound, but not speech."""
    ECHO_EXPLAINED = 2
    """Speech, and the aligned echo of what was played explains it."""
    HOLDING_NO_LOCK = 3
    """Speech that may be an echo whose delay is not known yet: wait for the delay tracker."""
    GATHERING = 4
    """Speech beyond the echo, not yet enough of it."""
    SPEECH_NO_ECHO = 5
    """Caller: speech while nothing was played that could come back."""
    SPEECH_OVER_ECHO = 6
    """Caller: speech beyond what the aligned echo explains (double talk)."""
    LOUDER_THAN_ECHO = 7
    """Caller: louder than any echo of anything played could be, at whatever delay."""
    NO_ECHO_ON_LINE = 8
    """Caller: the bot has spoken for long enough to know that this line returns no echo."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step gives, one row per slot; the rows of closed slots are zero.

    The arrays are the caller's to keep: the next step does not write into them.
    """

    cleaned: Pcm
    """[slots, samples] caller audio with the echo taken out."""
    speech: NDArray[np.float32]
    """[slots] probability 0..1 that `cleaned` holds speech."""
    decision: NDArray[np.int8]
    """[slots] a `Decision`."""
    delay_ms: NDArray[np.float32]
    """[slots] how much later than `played` its echo is in `caller`; NaN before the first lock."""
    delay_confidence: NDArray[np.float32]
    """[slots] 0..1; the delay counts as locked from 0.5 on."""
    erle_db: NDArray[np.float32]
    """[slots] echo return loss enhancement (ITU-T G.168, 3.4), smoothed over about 1 s of echo;
    NaN before the first echo."""
    reason: NDArray[np.int8]
    """[slots] a `Reason`."""


class DuplexBank(Protocol):
    """All calls of a pod, one step per tick."""

    @property
    def slots(self) -> int: ...

    @property
    def rate(self) -> int: ...

    def open(self, slot: int) -> None:
        """Begin a call in `slot` with no memory of the one before it."""

    def close(self, slot: int) -> None:
        """End the call in `slot`."""

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        """Advance every call by one tick.

        Args:
            caller: int16 [slots, samples], what arrived from each caller in this tick; samples is
                160 at 8 kHz and 320 at 16 kHz.
            played: int16 [slots, samples], what left for each caller at the start of this tick.
            slipped: int32 [slots], samples by which gather itself moved the caller's audio later
                (positive: it waited or filled) or earlier (negative: it dropped).

        Raises:
            ValueError: an array of another shape or type.
        """
