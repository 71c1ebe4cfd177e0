"""Loss of the caller's frames: in bursts, with silence or the next frame in a lost one's place."""

from bisect import bisect_right
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.impairments import NOTHING, Loss
from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]

_QUEUED_TICKS: Final = 2
"""How late frames are sent where frames can vanish: one burst of two needs no silence."""
_BACK_AFTER_S: Final = (1.0, 4.0)


class LossyUplink:
    """One call's frames on their way to the pod.

    Whether a frame is lost follows a Markov chain of two states (E. N. Gilbert, "Capacity of a
    burst-noise channel", Bell System Technical Journal, 1960): a good state without loss and a bad
    one, of `burst_ticks` on average, in which every frame is lost.
    """

    near_tick: int = NOTHING
    """The index of the frame that the last step returned; `NOTHING` for silence in its place."""

    def __init__(self, loss: Loss, tick_samples: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._ends = 1 / loss.burst_ticks
        self._begins = loss.share / (1 - loss.share) * self._ends
        self._vanishing = loss.share > 0 and not loss.filled
        self._bad = False
        self._tick_samples = tick_samples
        queued = _QUEUED_TICKS if self._vanishing else 0
        self._queue: deque[tuple[int, Pcm]] = deque(self._silence() for _ in range(queued))
        self._ticks = 0
        self._back_at: list[int] = []
        """The ticks that send silence to let the queue grow again."""
        self._changed_at = [0]
        self._depths = [queued]

    def step(self, frame: Pcm) -> Pcm:
        """One tick: takes and returns int16 [tick]."""
        self._queue.append((self._ticks, frame))
        self.near_tick, sent = self._next(self._is_lost())
        if len(self._queue) != self._depths[-1]:
            self._changed_at.append(self._ticks)
            self._depths.append(len(self._queue))
        self._ticks += 1
        return sent

    def lateness_at(self, tick: int) -> int:
        """How many ticks late the frames come in tick `tick`; in a later one, as they do now."""
        return self._depths[bisect_right(self._changed_at, tick) - 1]

    def _is_lost(self) -> bool:
        draw = self._rng.random()
        self._bad = draw >= self._ends if self._bad else draw < self._begins
        return self._bad

    def _next(self, lost: bool) -> tuple[int, Pcm]:
        if self._back_at and min(self._back_at) <= self._ticks:
            self._back_at.remove(min(self._back_at))
            return self._silence()
        if lost and self._vanishing and len(self._queue) > 1:
            self._queue.popleft()
            back_s = self._rng.uniform(*_BACK_AFTER_S)
            self._back_at.append(self._ticks + round(back_s * 1000 / TICK_MS))
        elif lost:
            self._queue.popleft()
            return self._silence()
        return self._queue.popleft()

    def _silence(self) -> tuple[int, Pcm]:
        return NOTHING, np.zeros(self._tick_samples, np.int16)
