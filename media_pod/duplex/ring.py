"""Ring buffers of the recent audio of every slot.

The bank keeps one for the played audio (the echo reference) and one for the received audio. Each
block is written twice, one ring length apart, so that every past window is contiguous in memory.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""Samples in int16 units, full scale 32768."""


class AudioRing:
    """The last `length` samples of every slot; older ones are overwritten."""

    def __init__(self, slots: int, length: int, block: int) -> None:
        """Create a ring of zeros.

        Args:
            slots: number of rows.
            length: samples kept per slot; rounded up to whole blocks.
            block: samples per push.
        """
        self._block = block
        self._length = -(-length // block) * block
        self._data = np.zeros((slots, 2 * self._length), np.float32)
        self._end = 0
        self._windows: dict[int, Audio] = {}
        """All windows of a size, as a view; making one takes as long as reading a whole tick."""

    def push(self, block: NDArray[np.int16] | Audio) -> None:
        """Append one block to every slot, [slots, block]."""
        start = self._end % self._length
        self._data[:, start : start + self._block] = block
        mirror = start + self._length
        self._data[:, mirror : mirror + self._block] = block
        self._end = start + self._block

    def clear(self, slot: int) -> None:
        """Zero the audio of one slot."""
        self._data[slot] = 0

    def last(self, samples: int) -> Audio:
        """The newest `samples` of every slot, a view [slots, samples]."""
        end = self._end + self._length
        return self._data[:, end - samples : end]

    def ago(self, rows: NDArray[np.intp], lag_samples: NDArray[np.intp], samples: int) -> Audio:
        """[rows, samples] windows that end `lag_samples` before the newest sample.

        Lag plus samples must not exceed the ring's length.
        """
        starts = self._end + self._length - lag_samples - samples
        windows = self._windows.get(samples)
        if windows is None:
            windows = self._windows[samples] = sliding_window_view(self._data, samples, axis=1)
        found: Audio = windows[rows, starts]
        return found
