"""Silero for the rules: its probabilities, and in which ticks they are new."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.rule_bank import Mask
from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.vad.silero import SileroVad

SPEECH_THRESHOLD: Final = 0.5
ONSET_TICKS: Final = 6
"""Ticks above the threshold for four windows of 32 ms: their results span 96 ms."""
WINDOW_MS: Final = 32


class Vad(Protocol):
    """A voice activity detector for all slots; `SileroVad` is one."""

    def open(self, slot: int, phase: int = 0) -> None: ...

    def close(self, slot: int) -> None: ...

    def step(self, pcm: Pcm) -> NDArray[np.float32]: ...


class WindowedVad:
    """Silero with the ends of its windows, for rules that count windows and not ticks."""

    def __init__(self, slots: int, rate: int, vad: Vad | None = None) -> None:
        self._vad = vad or SileroVad(slots, rate)
        self._waiting_ms = np.zeros(slots, np.int64)

    def open(self, slot: int, phase: int = 0) -> None:
        """Start `slot`, `phase` ticks into the cycle of its windows."""
        self._vad.open(slot, phase)
        self._waiting_ms[slot] = phase * TICK_MS % WINDOW_MS

    def close(self, slot: int) -> None:
        """Stop processing `slot`."""
        self._vad.close(slot)

    def step(self, pcm: Pcm) -> tuple[NDArray[np.float32], Mask]:
        """One tick, int16 [slots, samples]: [slots] probabilities, and whose are new."""
        self._waiting_ms += TICK_MS
        new = self._waiting_ms >= WINDOW_MS
        self._waiting_ms[new] -= WINDOW_MS
        return self._vad.step(pcm), new
