"""A bot that talks from a list, for calls on the virtual clock."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Decision

Pcm = NDArray[np.int16]


class ScriptedBot:
    """Says its utterances in turn, over and over; falls silent when the bank says CALLER.

    A stop takes effect with the next tick. The bot goes on with its *next* utterance once
    `pause_s` has passed since it fell silent and the bank has said CALLER for none of the last
    `quiet_s`.
    """

    def __init__(
        self,
        utterances: Sequence[Pcm],
        rate_hz: int,
        *,
        start_s: float = 0.5,
        pause_s: float = 1.5,
        quiet_s: float = 1.0,
    ) -> None:
        self._utterances = tuple(utterances)
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._pause_ticks = round(pause_s * 1000 / TICK_MS)
        self._quiet_ticks = round(quiet_s * 1000 / TICK_MS)
        self._index = 0
        self._said: int | None = None
        """Samples of the current utterance already played; None while silent."""
        self._silent_ticks = self._pause_ticks - round(start_s * 1000 / TICK_MS)
        self._since_caller_ticks = self._quiet_ticks
        self._ticks = 0
        self._caller = False
        self._stop_samples: list[int] = []

    @property
    def stop_samples(self) -> tuple[int, ...]:
        """Where in the played stream the bot was cut short: the first sample of each silence."""
        return tuple(self._stop_samples)

    def frame(self) -> Pcm:
        """What leaves for the caller in this tick, int16 [tick]."""
        if self._said is None and self._may_start():
            self._said = 0
        frame = np.zeros(self._tick_samples, np.int16)
        self._ticks += 1
        if self._said is None:
            self._silent_ticks += 1
            return frame
        part = self._utterances[self._index][self._said : self._said + frame.size]
        frame[: part.size] = part
        self._said += frame.size
        if self._said >= self._utterances[self._index].size:
            self._fall_silent()
        return frame

    def decide(self, decision: Decision) -> None:
        """Take the bank's decision of this tick; its rise to CALLER stops the bot."""
        caller = decision is Decision.CALLER
        if caller and not self._caller and self._said is not None:
            self._stop_samples.append(self._ticks * self._tick_samples)
            self._fall_silent()
        self._caller = caller
        self._since_caller_ticks = 0 if caller else self._since_caller_ticks + 1

    def _may_start(self) -> bool:
        return (
            bool(self._utterances)
            and self._silent_ticks >= self._pause_ticks
            and self._since_caller_ticks >= self._quiet_ticks
        )

    def _fall_silent(self) -> None:
        self._said, self._silent_ticks = None, 0
        self._index = (self._index + 1) % len(self._utterances)
