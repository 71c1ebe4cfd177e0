"""The product's delay tracker in front of a canceller, without the rest of the product."""

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.delay.correlation import RATE_HZ
from media_pod.duplex.delay.tracker import DelayTracker
from media_pod.duplex.features import BandLevels, NoiseFloor
from media_pod.duplex.resample import Halver
from media_pod.duplex.ring import AudioRing

_MAX_DELAY_MS = 1000
"""The longest echo delay that is searched: the default of the product."""


class DelayAlignment:
    """Delays what was played until it leads its echo by `lead_ms`; undelayed before the lock."""

    def __init__(self, slots: int, rate: int, lead_ms: int) -> None:
        self._rate, self._samples = rate, rate * TICK_MS // 1000
        self._lead = lead_ms * RATE_HZ // 1000
        self._rows = np.arange(slots)
        self._open = np.zeros(slots, np.bool_)
        self._ticks = np.zeros(slots, np.int64)
        self._tracker = DelayTracker(slots, _MAX_DELAY_MS)
        self._levels, self._floor = BandLevels(RATE_HZ), NoiseFloor(slots)
        block = RATE_HZ * TICK_MS // 1000
        self._caller_8k = AudioRing(slots, self._tracker.history, block)
        self._played_8k = AudioRing(slots, self._tracker.history, block)
        longest = _MAX_DELAY_MS * rate // 1000 + 2 * self._samples
        self._played = AudioRing(slots, longest, self._samples)
        self._halver = Halver(slots) if rate == 2 * RATE_HZ else None

    def open(self, slot: int, phase: int) -> None:
        """Start `slot`, `phase` ticks into the cycle of the tracker's updates."""
        self._open[slot] = True
        self._ticks[slot] = phase
        for ring in (self._caller_8k, self._played_8k, self._played):
            ring.clear(slot)
        self._tracker.reset(slot)
        self._floor.reset(slot)
        if self._halver is not None:
            self._halver.reset(slot)

    def close(self, slot: int) -> None:
        """Stop processing `slot`."""
        self._open[slot] = False

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None) -> Pcm:
        """One tick, as in `contract.DuplexBank.step`: the aligned reference, [slots, samples]."""
        self._played.push(played)
        if self._halver is None:
            self._caller_8k.push(caller)
            self._played_8k.push(played)
        else:
            both = self._halver(np.stack([caller, played]))
            self._caller_8k.push(both[0])
            self._played_8k.push(both[1])
        if slipped is not None and slipped.any():
            moved = np.flatnonzero(slipped)
            self._tracker.slip(moved, slipped[moved] * RATE_HZ // self._rate)
        self._tracker.step(
            self._ticks, self._open, self._caller_8k, self._played_8k, self._floor.level_db
        )
        self._ticks += 1
        digital_silence = (caller == caller[:, :1]).all(axis=1)
        self._floor.follow(
            self._levels(self._caller_8k.last(self._levels.window)), ~digital_silence
        )
        lag = np.maximum(self._tracker.lag_samples - self._lead, 0)
        lag = np.where(self._tracker.locked, lag, 0) * self._rate // RATE_HZ
        return self._played.ago(self._rows, lag, self._samples).astype(np.int16)

    @property
    def delay_ms(self) -> NDArray[np.float64]:
        """[slots] the tracked delay of the echo; NaN before the first lock."""
        lag_ms = self._tracker.lag_samples * (1000 / RATE_HZ)
        return np.where(self._tracker.locked, lag_ms, np.nan)

    @property
    def confidence(self) -> NDArray[np.float32]:
        """[slots] 0..1 of `delay_ms`."""
        return self._tracker.confidence
