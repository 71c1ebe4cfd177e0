"""Rings of recent audio of every slot, addressed by sample count.

The bank keeps two: what was played (the reference of the echo) and what arrived from the caller.
Each block is written twice, one ring length apart, so that every window of the past is one
contiguous piece and no step pays for a wrap.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""Samples in int16 units (full scale 32768), so that no conversion loses anything."""


class AudioRing:
    """The last `length` samples of every slot; older ones are overwritten."""

    def __init__(self, slots: int, length: int, block: int) -> None:
        """Make a ring of zeros.

        Args:
            slots: rows.
            length: samples that can be looked back on; rounded up to whole blocks.
            block: samples of one push.
        """
        self._block = block
        self._length = -(-length // block) * block
        self._data = np.zeros((slots, 2 * self._length), np.float32)
        self._end = 0

    def push(self, block: NDArray[np.int16] | Audio) -> None:
        """Append one block of every slot, [slots, block]."""
        start = self._end % self._length
        self._data[:, start : start + self._block] = block
        mirror = start + self._length
        self._data[:, mirror : mirror + self._block] = block
        self._end = start + self._block

    def clear(self, slot: int) -> None:
        """Forget the audio of one slot."""
        self._data[slot] = 0

    def last(self, samples: int) -> Audio:
        """The newest `samples` of every slot, a view [slots, samples]."""
        end = self._end + self._length
        return self._data[:, end - samples : end]

    def ago(self, rows: NDArray[np.intp], lag_samples: NDArray[np.intp], samples: int) -> Audio:
        """What each row held a while ago: [rows, samples] that end `lag_samples` before now.

        The look-back, lag plus samples, is at most the ring's length.
        """
        starts = self._end + self._length - lag_samples - samples
        windows: Audio = sliding_window_view(self._data, samples, axis=1)[rows, starts]
        return windows
