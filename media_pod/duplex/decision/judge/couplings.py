"""What the canceller usually leaves of the echo, per band: a running quantile.

`prediction.Coupling` is its like for the received audio, and starts as a maximum, to be cautious by
itself. Here a network weighs the excess, so the start is a mean, which has no bias.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.features import BANDS, Levels

_START_TICKS: Final = np.float32(5.0)
_FIRST_STEP_DB: Final = np.float32(3.0)
_LEAST_STEP_DB: Final = np.float32(0.05)


class ResidualCoupling:
    """Level after the canceller over the reference, per slot and band: the 0.8 quantile.

    It starts as the mean of five values. Then the step size is 3 dB / (1 + n / 5), but at least
    0.05 dB.
    """

    _QUANTILE: Final = np.float32(0.8)

    def __init__(self, slots: int) -> None:
        self.gain_db: Levels = np.zeros((slots, BANDS), np.float32)
        """[slots, BANDS]"""
        self._count = np.zeros((slots, BANDS), np.float32)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self.gain_db[slot] = 0
        self._count[slot] = 0

    @property
    def ticks(self) -> NDArray[np.intp]:
        """[slots] for how long the band that has learned longest has done so."""
        ticks: NDArray[np.intp] = self._count.max(axis=1).astype(np.intp)
        return ticks

    def learn(self, level_db: Levels, reference_db: Levels, where: NDArray[np.bool_]) -> None:
        """Update with this tick's levels, [slots, BANDS], where the reference is audible."""
        ratio = level_db - reference_db
        step = np.maximum(_FIRST_STEP_DB / (1 + self._count / _START_TICKS), _LEAST_STEP_DB)
        move = np.where(ratio > self.gain_db, self._QUANTILE, self._QUANTILE - 1) * step
        mean = (ratio - self.gain_db) / (self._count + 1)
        change = np.where(self._count < _START_TICKS, mean, move)
        self.gain_db += np.where(where, change, 0)
        self._count += where
