"""Banks of which the result is known beforehand, to test what measures banks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Decision, Pcm, Step


class Instrument:
    """A bank that does not listen; a subclass says in which ticks of a slot the caller speaks."""

    def __init__(self, slots: int, rate: int) -> None:
        self.slots, self.rate = slots, rate
        self._ticks = np.full(slots, -1, np.int64)
        """[slots] ticks of each call so far; -1 in closed slots."""

    def open(self, slot: int, phase: int = 0) -> None:
        self._ticks[slot] = 0

    def close(self, slot: int) -> None:
        self._ticks[slot] = -1

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        is_open = self._ticks >= 0
        speaks = np.array(
            [
                tick >= 0 and self._speaks(slot, tick)
                for slot, tick in enumerate(self._ticks.tolist())
            ]
        )
        self._ticks += is_open
        zeros = np.zeros(self.slots, np.float32)
        return Step(
            cleaned=np.where(is_open[:, None], caller, np.int16(0)),
            speech=speaks.astype(np.float32),
            decision=np.where(speaks, Decision.CALLER, Decision.NONE).astype(np.int8),
            delay_ms=np.where(is_open, np.nan, 0).astype(np.float32),
            delay_confidence=zeros,
            erle_db=np.where(is_open, np.nan, 0).astype(np.float32),
            reason=zeros.astype(np.int8),
        )

    def _speaks(self, slot: int, tick: int) -> bool:
        raise NotImplementedError


class PerfectBank(Instrument):
    """Decides as the truth is: `truth[slot]`, bool [ticks], whether the caller speaks."""

    def __init__(self, rate: int, truth: Sequence[NDArray[np.bool_]]) -> None:
        super().__init__(len(truth), rate)
        self._truth = truth

    def _speaks(self, slot: int, tick: int) -> bool:
        row = self._truth[slot]
        return tick < row.size and bool(row[tick])


class DeafBank(Instrument):
    """Never decides for the caller."""

    def _speaks(self, slot: int, tick: int) -> bool:
        return False


class RandomBank(Instrument):
    """Decides for the caller in single ticks at random, `per_s` of them in the mean."""

    def __init__(self, slots: int, rate: int, *, per_s: float, seed: int) -> None:
        super().__init__(slots, rate)
        self._share = per_s * TICK_MS / 1000
        self._seed = seed
        self._rngs = [np.random.default_rng((seed, slot)) for slot in range(slots)]

    def open(self, slot: int, phase: int = 0) -> None:
        super().open(slot, phase)
        self._rngs[slot] = np.random.default_rng((self._seed, slot))

    def _speaks(self, slot: int, tick: int) -> bool:
        return bool(self._rngs[slot].random() < self._share)
