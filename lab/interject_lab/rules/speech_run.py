"""Onset after enough results above a threshold in a row, release after enough below."""

import numpy as np
from numpy.typing import NDArray


class SpeechRun:
    """`onset` results with speech in a row are the caller, until `release` without in a row."""

    def __init__(self, slots: int, onset: int, release: int) -> None:
        self._onset, self._release = onset, release
        self._above = np.zeros(slots, np.int64)
        self._below = np.zeros(slots, np.int64)
        self._caller = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._above[slot] = self._below[slot] = 0
        self._caller[slot] = False

    def step(
        self, above: NDArray[np.bool_], new: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """[slots] whether the caller speaks.

        Args:
            above: [slots] whether the result is above the threshold.
            new: [slots] whose result is new; None for all. The others count nothing.
        """
        counts = np.ones_like(above) if new is None else new
        self._above = np.where(counts, np.where(above, self._above + 1, 0), self._above)
        self._below = np.where(counts, np.where(above, 0, self._below + 1), self._below)
        self._caller |= self._above >= self._onset
        self._caller &= self._below < self._release
        return self._caller.copy()
