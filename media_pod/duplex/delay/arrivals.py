"""The strongest arrival in a correlation: the 5 ms of lags with the most energy.

The echo of a room has no single peak, and the highest peak is often not the echo's; the energy of
5 ms is the more reliable measure. Energies are summed per block first, and per sample only around
the best block.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.delay.correlation import BLOCK, Blocks, block_energies
from media_pod.duplex.ring import Audio

Lags = NDArray[np.intp]

SPREAD: Final = 40
"""Lags (5 ms) whose energy is summed as one arrival."""

_EARLIER: Final = 160
"""Lags (20 ms) before the strongest arrival that are searched for the first one."""
_FIRST: Final = np.float32(0.3)
"""Minimum amplitude of the first arrival, relative to the strongest one..."""
_FIRST_SIGMAS: Final = np.float32(4.5)
"""...and relative to the standard deviation of the correlation's noise."""
_SPREAD_BLOCKS: Final = SPREAD // BLOCK
_LEAST_MEAN: Final = np.float32(1e-12)


@dataclass(slots=True)
class Arrivals:
    """One arrival per row: its first lag, its energy over the mean, and all block energies."""

    lag: Lags
    ratio: Audio
    energy: Audio
    """[rows, blocks] energy of the 5 ms that start at each block, over the row's mean."""

    def take(self, other: "Arrivals", where: NDArray[np.bool_]) -> None:
        """Replace the rows in `where` by those of `other`, which has only these rows."""
        self.lag[where] = other.lag
        self.ratio[where] = other.ratio
        self.energy[where] = other.energy

    def energy_at(self, lag: Lags) -> Audio:
        """[rows] maximum energy of any 5 ms around `lag`, over the row's mean."""
        around = np.arange(-_SPREAD_BLOCKS, _SPREAD_BLOCKS // 2 + 1)
        blocks = np.clip(lag[:, None] // BLOCK + around, 0, self.energy.shape[1] - 1)
        nearby: Audio = np.take_along_axis(self.energy, blocks, axis=1).max(axis=1)
        return nearby


def strongest(
    memory: Audio, learned: Blocks, near: Lags | None = None, within: int = 0
) -> Arrivals:
    """The strongest 5 ms of each row.

    Args:
        memory: [rows, lags] correlation.
        learned: [rows, lags / BLOCK] blocks of `memory` with data; the mean covers only these.
        near: [rows] lags; restricts the search to lags at most `within` away.
    """
    energy = _spread_sum(block_energies(memory))
    known = learned[:, : energy.shape[1]]
    mean = (energy * known).sum(axis=1) / np.maximum(known.sum(axis=1, dtype=np.float32), 1)
    mean += _LEAST_MEAN
    searched = energy
    if near is not None:
        away = np.abs(BLOCK * np.arange(energy.shape[1]) - near[:, None]) > within
        searched = np.where(away, np.float32(0), energy)
    best, most = _refine(memory, searched.argmax(axis=1))
    noise = np.sqrt(mean / SPREAD)
    return Arrivals(_first_arrivals(memory, best, noise), most / mean, energy / mean[:, None])


def _spread_sum(blocks: Audio) -> Audio:
    """Energy of the SPREAD lags that start at each block."""
    size = blocks.shape[1] - _SPREAD_BLOCKS + 1
    total = blocks[:, :size].copy()
    for later in range(1, _SPREAD_BLOCKS):
        total += blocks[:, later : later + size]
    return total


def _refine(memory: Audio, block: Lags) -> tuple[Lags, Audio]:
    """The lag, within one block of `block`, whose 5 ms have the most energy, and that energy."""
    first = np.clip(BLOCK * block - BLOCK + 1, 0, memory.shape[1] - SPREAD - 2 * BLOCK + 1)
    lags = first[:, None] + np.arange(SPREAD + 2 * BLOCK - 1)
    total = np.zeros((len(memory), lags.shape[1] + 1), np.float32)
    np.cumsum(np.square(np.take_along_axis(memory, lags, axis=1)), axis=1, out=total[:, 1:])
    energy = total[:, SPREAD:] - total[:, :-SPREAD]
    best = energy.argmax(axis=1)
    most: Audio = np.take_along_axis(energy, best[:, None], axis=1)[:, 0]
    return first + best, most


def _first_arrivals(memory: Audio, best: Lags, noise: Audio) -> Lags:
    """The lag of the first arrival up to 20 ms before, or within, the strongest 5 ms."""
    lags = np.maximum(best[:, None] + np.arange(-_EARLIER, SPREAD), 0)
    height = np.abs(np.take_along_axis(memory, lags, axis=1))
    strongest = height[:, _EARLIER:].max(axis=1)
    least = np.minimum(np.maximum(_FIRST * strongest, _FIRST_SIGMAS * noise), strongest)
    first = (height >= least[:, None]).argmax(axis=1)
    lag: Lags = np.take_along_axis(lags, first[:, None], axis=1)[:, 0]
    return lag
