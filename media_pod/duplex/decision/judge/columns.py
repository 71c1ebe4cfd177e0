"""Columns of features, and the array that they make."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float32] | NDArray[np.bool_]
"""[slots], or [slots, n] for n columns side by side."""


def joined(columns: Iterable[Column], slots: int, width: int) -> NDArray[np.float32]:
    """[slots, width] of the columns in their order."""
    array = np.empty((slots, width), np.float32)
    place = 0
    for column in columns:
        end = place + (1 if column.ndim == 1 else column.shape[1])
        array[:, place:end] = column if column.ndim == 2 else column[:, None]
        place = end
    return array
