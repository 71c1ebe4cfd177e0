"""Short-time spectra of the telephone band, the same bins at both rates."""

from typing import Final

import numpy as np
from scipy import fft

from media_pod.duplex.ring import Audio

WINDOW_MS: Final = 64
"""Four periods of a voice of 60 Hz."""
BIN_HZ: Final = 1000 / WINDOW_MS
BINS: Final = int(3400 / BIN_HZ) + 1
"""From 0 to 3400 Hz: the band of a telephone line (ITU-T G.712)."""


class Spectra:
    """Spectra of rows of audio at one rate, with a Hann window."""

    def __init__(self, rate: int) -> None:
        self.window = rate * WINDOW_MS // 1000
        taper = np.hanning(self.window)
        self._taper = (taper / taper.sum()).astype(np.float32)

    def __call__(self, audio: Audio) -> Audio:
        """[2, ..., BINS] real and imaginary parts of [..., window] samples, in their unit.

        The parts are apart because NumPy rounds complex products by their place in an array.
        """
        spectrum = fft.rfft(audio * self._taper)
        parts = np.empty((2, *audio.shape[:-1], BINS), np.float32)
        parts[0], parts[1] = spectrum.real[..., :BINS], spectrum.imag[..., :BINS]
        return parts
