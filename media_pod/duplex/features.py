"""Band levels of a signal, and their noise floor.

12 bands from 100 to 3900 Hz, about equal on the Bark scale above 500 Hz, over the last 32 ms with a
Hann window: fine enough to separate a voice from the echo of another, coarse enough to be stable.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from media_pod.duplex.products import product
from media_pod.duplex.ring import Audio

BANDS: Final = 12
WINDOW_MS: Final = 32
EDGES_HZ: Final = (100, 250, 400, 560, 740, 950, 1200, 1500, 1850, 2250, 2700, 3250, 3900)
_FLOOR_DB: Final = np.float32(-10.0)
"""Lowest level, dB relative to one int16 unit: below it is only the codec's idle noise."""

Levels = NDArray[np.float32]
"""[rows, BANDS] in dB relative to one int16 unit RMS."""


class BandLevels:
    """Band levels of rows of audio at one rate."""

    def __init__(self, rate: int) -> None:
        self.window = rate * WINDOW_MS // 1000
        self._taper = np.hanning(self.window).astype(np.float32)
        bins = np.arange(self.window // 2 + 1) * rate / self.window
        edges = np.array(EDGES_HZ)
        inside = (bins[:, None] >= edges[:-1]) & (bins[:, None] < edges[1:])
        # Parseval: with this factor the band powers of noise of RMS 1 within the bands add up to 1.
        power = 2 / (self.window * np.sum(self._taper.astype(np.float64) ** 2))
        self._bands = np.ascontiguousarray((inside * power).T, np.float32)

    def __call__(self, audio: Audio) -> Levels:
        """[rows, BANDS] levels of [rows, window] samples."""
        spectrum = fft.rfft(audio * self._taper, axis=1)
        power = product(spectrum.real**2 + spectrum.imag**2, self._bands)
        level_db: Levels = 10 * np.log10(power + np.float32(1e-3), dtype=np.float32)
        return np.maximum(level_db, _FLOOR_DB)


class NoiseFloor:
    """Noise floor of each band and slot: fast fall, slow rise, so that speech does not raise it.

    The idea of minimum statistics (Martin 2001), with a leak instead of a window.
    """

    _FALL: Final = np.float32(0.4)
    _RISE_DB: Final = np.float32(2.0 * 0.02)
    """Per tick: 2 dB per second."""
    _START_DB: Final = np.float32(18.0)
    """Idle noise of a quiet line; a higher floor is learned within a second."""

    def __init__(self, slots: int) -> None:
        self.level_db: Levels = np.full((slots, BANDS), self._START_DB, np.float32)

    def reset(self, slot: int) -> None:
        """Reset the floor of `slot`."""
        self.level_db[slot] = self._START_DB

    def follow(self, level_db: Levels, where: NDArray[np.bool_]) -> None:
        """Update the floor of the slots in `where`; exclude digital silence, which has none."""
        below = np.minimum(level_db - self.level_db, 0)
        change = np.where(below < 0, self._FALL * below, self._RISE_DB)
        self.level_db += np.where(where[:, None], change, 0)
