"""The caller's frames of 20 ms, cut into packets of another length that leave at an even pace."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.errors import LabError
from media_pod.duplex.contract import TICK_MS

PTIMES_MS = (10, 20, 30, 40, 60)


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """The audio of one packet."""

    start_ms: int
    """Where it lies in the caller's stream."""
    leave_ms: int
    """When it leaves, since the start of the call."""
    pcm: NDArray[np.int16]


class Packetizer:
    """Takes a frame per tick, gives packets of `ptime_ms`.

    A frame is there at the beginning of its tick. A packet that needs several waits for the last of
    them, and all packets of a call wait equally long, so that the pace is even.

    Raises:
        LabError: `ptime_ms` is none of `PTIMES_MS`.
    """

    def __init__(self, rate_hz: int, ptime_ms: int) -> None:
        if ptime_ms not in PTIMES_MS:
            raise LabError(f"packets of {ptime_ms} ms: expected one of {PTIMES_MS}")
        self._ptime_ms = ptime_ms
        self._wait_ms = (-(-ptime_ms // TICK_MS) - 1) * TICK_MS
        self._samples = rate_hz * ptime_ms // 1000
        self._waiting = np.zeros(0, np.int16)
        self._packets = 0

    def push(self, frame: NDArray[np.int16]) -> Iterator[Packet]:
        """The packets that `frame`, int16 [samples], completes."""
        self._waiting = np.concatenate([self._waiting, frame])
        while self._waiting.size >= self._samples:
            pcm, self._waiting = np.split(self._waiting, [self._samples])
            start_ms = self._packets * self._ptime_ms
            self._packets += 1
            yield Packet(start_ms, start_ms + self._wait_ms, pcm)
