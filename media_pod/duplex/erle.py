"""Echo return loss enhancement: attenuation of the echo by the canceller (ITU-T G.168, 3.4)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Decision, Pcm
from media_pod.duplex.ring import Audio

_SECOND: Final = np.float32(TICK_MS / 1000)
_LEAST_POWER: Final = np.float32(1.0)


class ErleMeter:
    """Power before over power after the canceller, smoothed over about 1 s of echo per slot.

    Only ticks with echo and without caller speech count: in double talk the ratio would measure the
    caller's voice.
    """

    def __init__(self, slots: int) -> None:
        self._before = np.zeros(slots, np.float32)
        self._after = np.zeros(slots, np.float32)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._before[slot] = 0
        self._after[slot] = 0

    def step(
        self,
        caller: Audio,
        cleaned: Pcm,
        echo: NDArray[np.bool_],
        decision: NDArray[np.int8],
    ) -> NDArray[np.float32]:
        """Take one tick, and return the ERLE in dB, [slots]; NaN before the first echo.

        Args:
            caller: [slots, samples] before the canceller, of the same moment as `cleaned`.
            cleaned: [slots, samples] after the canceller.
            echo: [slots] whether the caller's audio contains echo.
            decision: [slots] a `Decision`.
        """
        counts = echo & (decision == Decision.NONE)
        for held, audio in ((self._before, caller), (self._after, cleaned)):
            samples = audio.astype(np.float32)
            power = np.einsum("ij,ij->i", samples, samples) / np.float32(audio.shape[1])
            held += np.where(counts, _SECOND * (power - held), 0)
        ratio = (self._before + _LEAST_POWER) / (self._after + _LEAST_POWER)
        return np.where(self._before > 0, 10 * np.log10(ratio), np.nan).astype(np.float32)
