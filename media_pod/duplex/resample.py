"""Downsampling from 16 kHz to 8 kHz, tick by tick, for the delay tracker."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from media_pod.duplex.contract import Pcm
from media_pod.duplex.ring import Audio


class Halver:
    """Low-pass filter and decimation by 2, for both directions of every slot.

    Both directions use the same filter, so its group delay cancels out in every lag.
    """

    def __init__(self, slots: int) -> None:
        # Windowed sinc, 31 taps, cutoff 3.7 kHz. scipy.signal designs the same filter, but its
        # import takes a second at every start.
        taps = np.sinc((np.arange(31) - 15) * 3700 / 8000) * np.hamming(31)
        self._taps: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
        self._before = np.zeros((2, slots, len(taps) - 1), np.float32)

    def reset(self, slot: int) -> None:
        """Clear the filter state of `slot`."""
        self._before[:, slot] = 0

    def __call__(self, audio: Pcm) -> Audio:
        """[2, slots, samples] at 16 kHz to [2, slots, samples / 2] at 8 kHz."""
        joined = np.concatenate([self._before, audio.astype(np.float32)], axis=2)
        self._before = joined[:, :, -self._before.shape[2] :]
        windows = sliding_window_view(joined, len(self._taps), axis=2)[:, :, ::2]
        halved: Audio = windows @ self._taps
        return halved
