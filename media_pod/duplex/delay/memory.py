"""What past correlations have shown of every lag of a slot.

There are two memories: a slow one, which finds an echo that a single window does not show, and a
quick one, which follows a step of the delay. Both can be read and updated in part, `size` lags from
a `first` one on, so that a tracker that knows where the echo is need not search everywhere.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from media_pod.duplex.delay.arrivals import Lags
from media_pod.duplex.delay.correlation import BLOCK, Blocks, per_lag
from media_pod.duplex.ring import Audio

_SLOW: Final = np.float32(0.2)
_QUICK: Final = np.float32(0.6)

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Remembered:
    """Some lags of some slots, after an update."""

    slow: Audio
    """[rows, size] correlation over the last half second of updates."""
    quick: Audio
    """[rows, size] correlation over the last two updates."""
    learned: Blocks
    """[rows, size / BLOCK] whether the lags were ever updated."""


class LagMemory:
    """Both memories of every slot."""

    def __init__(self, slots: int, lags: int) -> None:
        """Create empty memories of `lags` lags, a multiple of `BLOCK`."""
        self._slow = np.zeros((slots, lags), np.float32)
        self._quick = np.zeros((slots, lags), np.float32)
        self._learned = np.zeros((slots, lags // BLOCK), np.bool_)
        self._views: dict[int, _Parts] = {}
        """All parts of a size; making the views takes as long as reading one."""

    def reset(self, slot: int) -> None:
        """Forget `slot`."""
        for memory in (self._slow, self._quick, self._learned):
            memory[slot] = 0

    def slip(self, slot: int, by: int) -> None:
        """Move what is known of `slot` to lags that are longer by `by` samples."""
        for memory in (self._slow, self._quick):
            memory[slot] = _shifted(memory[slot], by)
        self._learned[slot] = _shifted(self._learned[slot], round(by / BLOCK))

    def learn(self, rows: Lags, first: Lags, correlation: Audio, audible: Blocks) -> Remembered:
        """Update `rows`, each from its `first` lag on, and return what is known there now.

        Args:
            rows: slots.
            first: [rows] multiples of `BLOCK`.
            correlation: [rows, size] of the newest window.
            audible: [rows, size / BLOCK] which of its lags say something; the others stay.
        """
        parts = self._parts(correlation.shape[1])
        teaches = per_lag(audible)
        slow = _blended(parts.slow, rows, first, correlation, teaches, _SLOW)
        quick = _blended(parts.quick, rows, first, correlation, teaches, _QUICK)
        learned: Blocks = parts.learned[rows, first // BLOCK] | audible
        parts.learned[rows, first // BLOCK] = learned
        return Remembered(slow, quick, learned)

    def _parts(self, size: int) -> "_Parts":
        if size not in self._views:
            self._views[size] = _Parts(
                _every_part(self._slow, size),
                _every_part(self._quick, size),
                _every_part(self._learned, size // BLOCK),
            )
        return self._views[size]


class _Parts(NamedTuple):
    """All parts of one size: views, [slots, first, size], that can be written."""

    slow: Audio
    quick: Audio
    learned: Blocks


def _every_part(memory: NDArray[_T], size: int) -> NDArray[_T]:
    return sliding_window_view(memory, size, axis=1, writeable=True)


def _blended(
    parts: Audio,
    rows: Lags,
    first: Lags,
    correlation: Audio,
    teaches: NDArray[np.bool_],
    rate: np.float32,
) -> Audio:
    """[rows, size] the memory, moved towards `correlation` by `rate` where it teaches."""
    held: Audio = parts[rows, first]
    change = correlation - held
    change *= rate
    change *= teaches
    held += change
    parts[rows, first] = held
    return held


def _shifted(row: NDArray[_T], by: int) -> NDArray[_T]:
    """`row` shifted up by `by` places, filled with zeros."""
    moved = np.zeros_like(row)
    by = min(max(by, -row.size), row.size)
    if by >= 0:
        moved[by:] = row[: row.size - by]
    else:
        moved[:by] = row[-by:]
    return moved
