"""The telephone's own clock: ticks of 20 ms, and what happens in each of them.

Ticks are counted from the start of the call, and a tick that comes late is made up for, because a
sound card loses none.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.telephones.handset import Handset
from media_pod.duplex.contract import TICK_MS

_TICK_NS = TICK_MS * 1_000_000


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key that the caller presses."""

    at_s: float
    digit: str


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """What one tick brings."""

    at_ns: int
    """When the tick was due."""
    digits: str
    """The keys pressed in it, in order."""
    frame: NDArray[np.int16]
    """int16 [tick], the caller's audio."""


class Ticks:
    """The ticks of one call, until its handset is over.

    Args:
        handset: made for this call.
        dtmf: keys to press, in order of time.
        progress: told the seconds since the start, once a second.
        start_ns: when the first tick is due.
    """

    def __init__(
        self,
        handset: Handset,
        dtmf: Sequence[Dtmf],
        progress: Callable[[float], None],
        start_ns: int,
    ) -> None:
        self._handset = handset
        self._dtmf = deque(dtmf)
        self._progress = progress
        self._start_ns = start_ns

    @property
    def next_ns(self) -> int:
        """When the next tick is due."""
        return self._start_ns + self._handset.ticks * _TICK_NS

    def due(self, now_ns: int) -> bool:
        """Whether a tick is due at `now_ns`; none is once the handset is over."""
        return not self._handset.over and self.next_ns <= now_ns

    def tick(self) -> Tick:
        """The next tick; only while the handset is not over."""
        at_ns, elapsed_ms = self.next_ns, self._handset.ticks * TICK_MS
        if elapsed_ms % 1000 == 0:
            self._progress(elapsed_ms / 1000)
        digits = ""
        while self._dtmf and self._dtmf[0].at_s * 1000 <= elapsed_ms:
            digits += self._dtmf.popleft().digit
        return Tick(at_ns, digits, self._handset.tick())
