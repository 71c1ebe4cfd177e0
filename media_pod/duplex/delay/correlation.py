"""Whitened cross-correlation of received and played audio, and the lags at which it is meaningful.

Generalised cross-correlation with phase transform (GCC-PHAT; Knapp and Carter, 1976), many slots in
one array. Frequencies are weighted by their signal-to-noise ratio: of a quiet echo in white noise
only the vowels are above the noise, and the phase of everything else is random. Lags are in
samples; quantities that need no sample accuracy are kept per `BLOCK` of lags (1 ms), which is an
eighth of the work.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from media_pod.duplex.features import EDGES_HZ, Levels
from media_pod.duplex.ring import Audio

RATE_HZ: Final = 8000
"""Sample rate of the delay tracker: above 4 kHz a telephone line has no useful signal."""

WINDOW: Final = 2048
"""Samples of received audio per correlation: 256 ms."""

BLOCK: Final = RATE_HZ // 1000
"""Lags per flag and per energy: 1 ms."""

Blocks = NDArray[np.bool_]
"""[rows, lags / BLOCK] a flag per block of lags."""

_BAND_HZ: Final = (200, 3600)
_AUDIBLE: Final = np.float32(10 ** (-52 / 20) * 32768)
"""Minimum RMS of a reference window that is useful for learning: -52 dBFS."""
_SILENCE: Final = np.float32(1e-9)
_OVER_FLOOR: Final = 4.0
"""Power of noise over its floor, which follows the minima: white noise is 2 dB (3.6 kHz) to 6 dB
(200 Hz) above it. Of 1, 2, 4, 6 and 10, this value had the most time in lock on 224 calls."""


def block_energies(samples: Audio) -> Audio:
    """[rows, n / BLOCK] energy of each block of [rows, n] samples."""
    squares = np.square(samples).reshape(len(samples), samples.shape[1] // BLOCK, BLOCK)
    energies: Audio = squares @ np.ones(BLOCK, np.float32)
    return energies


def per_lag(blocks: Blocks) -> NDArray[np.bool_]:
    """[rows, lags] the flags of [rows, lags / BLOCK] blocks, each repeated for its lags."""
    # A flag is one byte and a block has eight lags: a multiplication copies the byte eight times,
    # five times as fast as np.repeat.
    return (blocks.astype(np.uint64) * np.uint64(0x0101010101010101)).view(np.bool_)


class Correlator:
    """Correlates at the lags 0..`lags` - 1."""

    def __init__(self, lags: int) -> None:
        """Prepare for `lags` lags, a multiple of `BLOCK`."""
        self.lags = lags
        # The circular correlation wraps around only at lags that are not used.
        self.history = BLOCK * int(fft.next_fast_len((lags + WINDOW) // BLOCK, real=True))
        """Samples of reference that a correlation needs."""
        low, high = (hertz * self.history // RATE_HZ for hertz in _BAND_HZ)
        self._band = slice(low, high + 1)
        bins = RATE_HZ * np.arange(low, high + 1) / self.history
        self._band_of = np.searchsorted(EDGES_HZ, bins, side="right") - 1
        # Parseval: noise of power 1 in a band, cut by the window, has this power in each bin.
        power = WINDOW * RATE_HZ / 2 / np.diff(EDGES_HZ)
        self._over_floor = (_OVER_FLOOR * power).astype(np.float32)

    def audible(self, reference: Audio) -> Blocks:
        """[rows, lags / BLOCK] whether the window of `reference`, [rows, history], at a lag has
        sound."""
        total = np.zeros((len(reference), self.history // BLOCK + 1), np.float64)
        np.cumsum(block_energies(reference), axis=1, out=total[:, 1:])
        newest, window = self.history // BLOCK, WINDOW // BLOCK
        ends = newest - np.arange(self.lags // BLOCK)
        audible: Blocks = total[:, ends] - total[:, ends - window] > WINDOW * _AUDIBLE**2
        return audible

    def __call__(self, heard: Audio, reference: Audio, floor_db: Levels) -> Audio:
        """[rows, lags] whitened cross-correlation; a delayed copy gives 1 at its lag.

        Args:
            heard: [rows, WINDOW], received audio.
            reference: [rows, history], played audio; its newest sample is as old as that of
                `heard`.
            floor_db: noise floor of `heard`, see `NoiseFloor`.
        """
        both = np.zeros((2, *reference.shape), np.float32)
        both[0, :, -WINDOW:] = heard
        both[1] = reference
        spectra = fft.rfft(both, axis=2)[:, :, self._band]
        power = np.square(spectra.real) + np.square(spectra.imag)
        noise = 10 ** (floor_db / 10) * self._over_floor
        weight = power[0] / (power[0] + np.take(noise, self._band_of, axis=1))
        total = weight.sum(axis=1, keepdims=True) + _SILENCE
        # In place, explicitly: NumPy does so by itself from 256 KB on, and rounds differently then.
        cross = spectra[1].conj()
        np.multiply(spectra[0], cross, out=cross)
        cross *= weight * (self.history / 2 / total) / (np.sqrt(power[0] * power[1]) + _SILENCE)
        whitened = np.zeros((len(heard), self.history // 2 + 1), np.complex64)
        whitened[:, self._band] = cross
        correlation: Audio = fft.irfft(whitened, n=self.history, axis=1)[:, : self.lags]
        return correlation
