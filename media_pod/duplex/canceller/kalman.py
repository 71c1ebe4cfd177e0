"""A canceller of all calls in one array step: a Kalman filter and a suppressor of what it leaves.

Open slots take the first rows of the arrays, so a step costs what the open calls cost.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.canceller.kalman_filter import KalmanFilter
from media_pod.duplex.canceller.residual_suppressor import ResidualSuppressor
from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.ring import Audio

_FULL_SCALE: Final = 32768


class KalmanCanceller:
    """Partitioned-block frequency-domain Kalman filters, one per call.

    See `kalman_filter` and `residual_suppressor`, and docs/decisions/0031 for figures beside those
    of WebRTC's canceller.
    """

    def __init__(self, slots: int, rate: int) -> None:
        """Create a canceller with every slot closed; `rate` is 8000 or 16000 Hz."""
        self._block = rate * TICK_MS // 1000
        self._filter = KalmanFilter(slots, self._block)
        self._suppressor = ResidualSuppressor(slots, self._block, rate)
        self._slots: list[int] = []
        """Open slots by row."""

    @property
    def delay_samples(self) -> int:
        """One tick: the suppressor's overlap."""
        return self._block

    def open(self, slot: int) -> None:
        """Start `slot` with an unconverged filter."""
        row = len(self._slots)
        self._slots.append(slot)
        self._filter.reset(row)
        self._suppressor.reset(row)

    def close(self, slot: int) -> None:
        """Stop processing `slot`; no effect on a closed one."""
        if slot not in self._slots:
            return

        row, last = self._slots.index(slot), len(self._slots) - 1
        self._filter.move(last, row)
        self._suppressor.move(last, row)
        self._slots[row] = self._slots[last]
        self._slots.pop()

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None:
        """Take the past of another alignment; see `protocol.Canceller.realign`."""
        for slot, samples, doubted in zip(slots.tolist(), past, relearn, strict=True):
            row = self._slots.index(slot)
            self._filter.replace_past(row, samples)
            if doubted:
                self._filter.relearn(row)

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        """One tick of every slot: int16 [slots, samples] in and out."""
        cleaned = np.zeros_like(caller)
        if not self._slots:
            return cleaned

        heard = caller[self._slots]
        live = (heard != heard[:, :1]).any(axis=1)
        filtered = self._filter.step(
            heard.astype(np.float32), reference[self._slots].astype(np.float32), live
        )
        done = np.rint(self._suppressor.step(filtered, live))
        cleaned[self._slots] = np.clip(done, -_FULL_SCALE, _FULL_SCALE - 1)
        return cleaned
