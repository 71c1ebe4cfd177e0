"""Banks that know the truth, or nothing: they show whether the scores measure what they say."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Decision, Pcm, Step


class InstrumentBank:
    """A bank whose decisions are made outside."""

    def __init__(self, slots: int, rate: int) -> None:
        self.slots, self.rate = slots, rate
        self.ticks = 0

    def open(self, slot: int, phase: int = 0) -> None:
        self.ticks = 0

    def close(self, slot: int) -> None: ...

    def decide(self, caller: Pcm, played: Pcm) -> NDArray[np.int8]:
        return np.zeros(self.slots, np.int8)

    def step(self, caller: Pcm, played: Pcm, slipped: object = None) -> Step:
        decision = self.decide(caller, played)
        self.ticks += 1
        zeros = np.zeros(self.slots, np.float32)
        return Step(
            cleaned=caller.copy(),
            speech=zeros,
            decision=decision,
            delay_ms=zeros * np.nan,
            delay_confidence=zeros,
            erle_db=zeros * np.nan,
            reason=np.zeros(self.slots, np.int8),
        )


class DeafBank(InstrumentBank):
    """Never hears anybody."""


class RandomBank(InstrumentBank):
    """Says CALLER for one tick with this probability, whatever is heard."""

    PER_TICK = 0.006

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(slots, rate)
        self._rng = np.random.default_rng(7)

    def decide(self, caller: Pcm, played: Pcm) -> NDArray[np.int8]:
        hit = self._rng.random(self.slots) < self.PER_TICK
        return np.where(hit, Decision.CALLER, Decision.NONE).astype(np.int8)


class StopsAt(InstrumentBank):
    """Says CALLER in one tick, `at_s` after the call began."""

    def __init__(self, slots: int, rate: int, at_s: float) -> None:
        super().__init__(slots, rate)
        self._at = round(at_s * 1000 / TICK_MS)

    def decide(self, caller: Pcm, played: Pcm) -> NDArray[np.int8]:
        now = Decision.CALLER if self.ticks == self._at else Decision.NONE
        return np.full(self.slots, now, np.int8)


class HandsOut(InstrumentBank):
    """Returns the array that it got as what is left of it."""

    def step(self, caller: Pcm, played: Pcm, slipped: object = None) -> Step:
        return replace(super().step(caller, played), cleaned=caller)
