"""Keeps a condition true for some time after it was last true."""

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS


class Hold:
    """Holds a condition for `hold_ms` after its last tick, that tick included."""

    def __init__(self, slots: int, hold_ms: int) -> None:
        self._hold_ticks = hold_ms // TICK_MS
        self._left_ticks = np.zeros(slots, np.int64)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._left_ticks[slot] = 0

    def step(self, now: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """[slots] whether the condition `now`, [slots], is true or was within the hold."""
        left = np.maximum(self._left_ticks - 1, 0)
        self._left_ticks = np.where(now, self._hold_ticks, left)
        return self._left_ticks > 0
