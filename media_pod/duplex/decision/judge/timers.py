"""Time since events, as features."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS

_MOST_TICKS: Final = 20_000 // TICK_MS
"""20 s: what was longer ago has the same value, and so has what never was."""
_LOG_SECONDS: Final = np.log1p(np.arange(_MOST_TICKS + 1) * (TICK_MS / 1000)).astype(np.float32)
"""[ticks] a table, as `np.log1p` may round differently for another number of slots."""


class Since:
    """Ticks since the latest event, of several events of every slot; at most 20 s."""

    def __init__(self, events: int, slots: int) -> None:
        self.ticks: NDArray[np.intp] = np.full((events, slots), _MOST_TICKS, np.intp)
        """[events, slots]"""

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`: there was no event."""
        self.ticks[:, slot] = _MOST_TICKS

    def step(self, *now: NDArray[np.bool_]) -> None:
        """Advance by a tick; 0 in the slots, [slots] of each event, in which it happens `now`."""
        later = np.minimum(self.ticks + 1, _MOST_TICKS)
        later[np.stack(now)] = 0
        self.ticks = later

    @property
    def log_seconds(self) -> NDArray[np.float32]:
        """[events, slots] see `log_seconds`."""
        return log_seconds(self.ticks)


def log_seconds(ticks: NDArray[np.intp]) -> NDArray[np.float32]:
    """log(1 + seconds) of counts of ticks, 0 to 3.04 for 20 s and more."""
    seconds: NDArray[np.float32] = _LOG_SECONDS[np.minimum(ticks, _MOST_TICKS)]
    return seconds
