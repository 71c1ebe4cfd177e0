"""The `Canceller` protocol.

A canceller receives the caller's audio and an *aligned* reference, which leads its echo by a few
milliseconds (`LEAD_MS`) at any delay of the line. Cancellers need this on telephone lines: none of
them finds delays of 250-700 ms by itself.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import Pcm
from media_pod.duplex.ring import Audio

LEAD_MS: Final = 5
"""Lead of the reference over its echo. Measured ERLE on a 24 ms dispersive path at ERL 15 dB:
27-30 dB with a lead of 2-5 ms, 19-26 dB with 10-40 ms. A negative lead is not causal."""

PAST_MS: Final = 140
"""Past of the reference that `realign` passes: the longest echo that a canceller models."""


class Canceller(Protocol):
    """Removes the echo of an aligned reference from the callers' audio."""

    @property
    def delay_samples(self) -> int:
        """By how much its output is later than its input, 0 to one tick."""

    def open(self, slot: int) -> None:
        """Start `slot` with initial state."""

    def close(self, slot: int) -> None:
        """Stop processing `slot`; its rows of the output are zero."""

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None:
        """The next references of some slots do not continue their latest ones.

        Args:
            slots: [n] open slots.
            past: [n, samples of `PAST_MS`] what precedes the next reference, oldest first.
            relearn: [n] whether the delay tracker found another lag, so that what was learned may
                be wrong. Otherwise the echo moved together with the reference, as by a slip.
        """

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        """One tick of every slot: int16 [slots, samples] in and out."""
