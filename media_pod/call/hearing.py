"""What of a caller's audio belongs to a turn: from before the onset to the silence that ends it."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from media_pod.agents.ports import Pcm
from media_pod.duplex.contract import TICK_MS, Decision

_STILL_SPEECH: Final = 0.35
"""Silero's probability below which speech has stopped; above the usual 0.5 it began (the
hysteresis of Silero's own iterator)."""
_LONGEST_ONSET_MS: Final = 1000
"""How long before the decision an onset can lie."""
_BETWEEN_DIGITS_MS: Final = 2000
"""A keyed-in number is over after this long without a digit, or at once with #."""


class PreRoll:
    """The caller's last second or so, and where in it the onset lies."""

    def __init__(self, before_onset_ms: int) -> None:
        self._before = before_onset_ms // TICK_MS
        self._recent: deque[Pcm] = deque(maxlen=self._before + _LONGEST_ONSET_MS // TICK_MS)
        self._since_onset = 0

    def push(self, audio: Pcm, decision: Decision) -> None:
        """Take one tick of the caller's audio."""
        self._recent.append(audio)
        self._since_onset = 0 if decision is Decision.NONE else self._since_onset + 1

    @property
    def since_onset_ms(self) -> int:
        """How long ago the onset was; 0 without one."""
        return self._since_onset * TICK_MS

    def audio(self) -> Pcm:
        """From `before_onset_ms` before the onset up to now."""
        ticks = min(self._since_onset + self._before, len(self._recent))
        return np.concatenate(list(self._recent)[len(self._recent) - ticks :] or [_NOTHING])


_NOTHING: Final = np.zeros(0, np.int16)


@dataclass(slots=True)
class TurnEnd:
    """When a caller's turn is over: by silence after speech, by length, or by digits.

    All in ticks; `open` begins a turn.
    """

    end_silence_ms: int
    max_utterance_ms: int
    no_input_ms: int
    _open_ticks: int = 0
    _quiet_ticks: int = 0
    _is_open: bool = False
    _keying: bool = False

    @property
    def is_open(self) -> bool:
        """The caller has begun a turn."""
        return self._is_open

    def open(self, *, keying: bool = False) -> None:
        """The caller speaks or keys in a digit; goes on with a turn that is open."""
        if not self._is_open:
            self._open_ticks = 0
        self._is_open = True
        self._keying = keying
        self._quiet_ticks = 0

    def close(self) -> None:
        """The turn is over, or the bot has it."""
        self._is_open = self._keying = False
        self._quiet_ticks = 0

    def step(self, speech: float) -> bool:
        """One tick with Silero's probability; true when the open turn is over."""
        self._quiet_ticks = 0 if speech >= _STILL_SPEECH else self._quiet_ticks + 1
        if not self._is_open:
            return False
        self._open_ticks += 1
        silence_ms = _BETWEEN_DIGITS_MS if self._keying else self.end_silence_ms
        over = self._quiet_ticks * TICK_MS >= silence_ms
        return over or self._open_ticks * TICK_MS >= self.max_utterance_ms

    @property
    def no_input(self) -> bool:
        """Nobody has spoken for `no_input_ms`; asked while the bot is silent."""
        return not self._is_open and self._quiet_ticks * TICK_MS >= self.no_input_ms
