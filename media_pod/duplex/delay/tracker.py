"""Where the echo of what was played lies in the caller's audio now, and how sure that is.

Generalised cross-correlation with phase transform (Knapp and Carter, 1976) between the caller's
last 256 ms and the reference's last second, ten times a second for each call, staggered over
ticks so that every tick has a fifth of the calls.

Three rules keep it from locking on a wrong lag:

- a lag is judged by the correlation's energy in 5 ms, because the echo of a room has no single
  peak; the delay is then the first arrival just before the strongest, which is what a canceller
  needs to stay causal;
- a lag learns only while the reference was audible at that lag and the caller's side is above its
  own noise: everything else teaches it the edges of speech instead of the echo;
- a lag must win several updates before it is believed, more of them the less it stands out.

Two memories: a slow one that finds the lag anywhere, and a quick one, searched near the lock, that
follows a line whose delay has stepped.
"""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.delay.arrivals import SPREAD, Lags, strongest
from media_pod.duplex.delay.correlation import BLOCK, RATE_HZ, WINDOW, Blocks, Correlator, per_lag
from media_pod.duplex.ring import Audio, AudioRing

_T = TypeVar("_T", bound=np.generic)

UPDATE_TICKS: Final = 5
"""Each slot is updated every fifth tick: 100 ms."""

_SLOW: Final = np.float32(0.2)
_QUICK: Final = np.float32(0.6)
_NEAR: Final = 220 * RATE_HZ // 1000
_SAME: Final = 3 * RATE_HZ // 1000
_ABOVE_NOISE: Final = np.float32(10 ** (5 / 20))
_NOISE_RISE: Final = np.float32(10 ** (0.2 / 20))
"""The noise floor falls at once and rises 2 dB a second."""
_DRIFT: Final = 4
"""Lags that the held lag may be off before a clear arrival moves it."""
_SLIPPED_UPDATES: Final = -(-WINDOW // (UPDATE_TICKS * TICK_MS * BLOCK))
"""Updates after a slip in which the window still holds audio from before it: the tracker would find
the old lag in it, and go back to that."""
_LEAST_BLOCKS: Final = 50
"""Blocks of lags that must have heard something before a correlation is worth its cost: 50 ms."""
_STANDS_OUT: Final = 8.0
"""Energy of an arrival over the mean energy of all lags that counts as evidence."""
_STANDS_OUT_FAR: Final = 12.0
"""The same for an arrival further from the lock than the quick memory is searched."""
_MOST_PER_UPDATE: Final = 1.5
_LOCK_SCORE: Final = 3.0
_MOVE_SCORE: Final = 1.5
_START_SCORE: Final = 5.0
_MAX_SCORE: Final = 8.0


def _evidence(ratio: Audio, threshold: Audio | float) -> Audio:
    """Log-likelihood-like weight of an arrival: 0 at the threshold, clipped on both sides."""
    weight = np.log2(np.maximum(ratio, 1e-3) / threshold)
    return np.clip(weight, -_MOST_PER_UPDATE, _MOST_PER_UPDATE).astype(np.float32)


class DelayTracker:
    """The echo delay of every slot."""

    def __init__(self, slots: int, max_delay_ms: int) -> None:
        self._lags = max_delay_ms * RATE_HZ // 1000 + SPREAD
        self._correlator = Correlator(self._lags)
        self.history = self._correlator.history
        """Samples of both rings that an update looks back on."""
        self._slow = np.zeros((slots, self._lags), np.float32)
        self._quick = np.zeros((slots, self._lags), np.float32)
        self._learned = np.zeros((slots, self._lags // BLOCK), np.bool_)
        self._slipped = np.zeros(slots, np.intp)
        self._noise = np.full(slots, np.inf, np.float32)
        self._score = np.zeros(slots, np.float32)
        self._rival = np.full(slots, -_NEAR, np.intp)
        self._rival_score = np.zeros(slots, np.float32)
        self.lag_samples = np.zeros(slots, np.intp)
        """[slots] the echo's lag at 8 kHz; meaningless until `locked`."""
        self.locked = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Forget everything about `slot`."""
        for memory in (self._slow, self._quick, self._learned):
            memory[slot] = 0
        for value in (self._slipped, self._score, self._rival_score, self.lag_samples):
            value[slot] = 0
        self._noise[slot] = np.inf
        self._rival[slot] = -_NEAR
        self.locked[slot] = False

    @property
    def confidence(self) -> Audio:
        """[slots] 0..1, 0 before the first lock; a lag that a rival contradicts falls below 0.5."""
        doubt = 2 * self._rival_score / _MOVE_SCORE
        sure = np.clip(self._score / _MAX_SCORE - doubt / 4, 0, 1)
        return np.where(self.locked, sure, 0).astype(np.float32)

    def slip(self, slots: Lags, samples: NDArray[np.int32]) -> None:
        """Move the lags of `slots` at once by what gather itself filled or dropped, at 8 kHz."""
        for slot, by in zip(slots.tolist(), samples.tolist(), strict=True):
            for memory in (self._slow, self._quick):
                memory[slot] = _shifted(memory[slot], by)
            self._learned[slot] = _shifted(self._learned[slot], round(by / BLOCK))
            self._slipped[slot] = _SLIPPED_UPDATES * self.locked[slot]
            self._rival[slot] += by
            self.lag_samples[slot] = min(max(self.lag_samples[slot] + by, 0), self._lags - 1)

    def update(self, rows: Lags, caller: AudioRing, played: AudioRing) -> None:
        """Look at the newest audio of `rows`, which are due.

        Args:
            rows: slots, each once.
            caller: the callers' audio at 8 kHz.
            played: what was played, at 8 kHz, its newest sample as old as `caller`'s.
        """
        heard = caller.last(WINDOW)[rows]
        awake = self._above_noise(rows, heard) & (self._slipped[rows] == 0)
        self._slipped[rows] = np.maximum(self._slipped[rows] - 1, 0)
        if not awake.any():
            return

        rows, heard = rows[awake], heard[awake]
        reference = played.last(self.history)[rows]
        audible = self._correlator.audible(reference)
        worth = audible.sum(axis=1) > _LEAST_BLOCKS
        if not worth.any():
            return

        rows, audible = rows[worth], audible[worth]
        correlation = self._correlator(heard[worth], reference[worth])
        slow, quick = self._learn(rows, correlation, audible)
        self._judge(rows, slow, quick, audible)

    def _above_noise(self, rows: Lags, heard: Audio) -> NDArray[np.bool_]:
        """Follow each caller side's noise floor; true where something is above it."""
        level = np.sqrt(np.mean(heard**2, axis=1)) + 1
        self._noise[rows] = np.minimum(self._noise[rows] * _NOISE_RISE, level)
        above: NDArray[np.bool_] = level >= self._noise[rows] * _ABOVE_NOISE
        return above

    def _learn(self, rows: Lags, correlation: Audio, audible: Blocks) -> tuple[Audio, Audio]:
        """Take a correlation into both memories; returns those of `rows`."""
        teaches = per_lag(audible)
        learned = []
        for memory, rate in ((self._slow, _SLOW), (self._quick, _QUICK)):
            held = memory[rows]
            change = correlation - held
            change *= rate
            change *= teaches
            held += change
            memory[rows] = held
            learned.append(held)
        self._learned[rows] |= audible
        return learned[0], learned[1]

    def _judge(self, rows: Lags, slow: Audio, quick: Audio, audible: Blocks) -> None:
        """Weigh what the memories of `rows` say for or against the lags held."""
        locked, lag = self.locked[rows], self.lag_samples[rows]
        learned = self._learned[rows]
        found = strongest(slow, learned)
        threshold = np.where(locked, _STANDS_OUT_FAR, _STANDS_OUT).astype(np.float32)
        far = (np.abs(found.lag - lag) > _NEAR) & (found.ratio > _STANDS_OUT_FAR)
        close = locked & ~far
        if close.any():
            found.take(strongest(quick[close], learned[close], lag[close], _NEAR), close)
            threshold[close] = _STANDS_OUT

        weight = _evidence(found.ratio, threshold)
        same = locked & (np.abs(found.lag - lag) <= _SAME)
        contradicted = locked & ~same
        here = found.energy_at(lag)
        weight[contradicted & (here >= found.ratio / 2)] = -1
        self._confirm(rows[same], found.lag[same], weight[same], found.ratio[same])
        # Once the bot has stopped, and with it its echo at the held lag, a rival has nothing to
        # win against: what correlates then is the caller's own talk.
        row, last = np.arange(len(rows)), audible.shape[1] - 1
        contested = ~same & (~locked | audible[row, np.minimum(lag // BLOCK, last)])
        self._doubt(rows[contested], found.lag[contested], weight[contested])

    def _confirm(self, rows: Lags, lag: Lags, weight: Audio, ratio: Audio) -> None:
        """The lag held was found again: follow it closely, and be surer of it."""
        drifted = (np.abs(lag - self.lag_samples[rows]) > _DRIFT) & (ratio > 2 * _STANDS_OUT)
        self.lag_samples[rows[drifted]] = lag[drifted]
        self._score[rows] = np.minimum(_MAX_SCORE, self._score[rows] + np.maximum(weight, 0))
        self._rival_score[rows] = 0

    def _doubt(self, rows: Lags, lag: Lags, weight: Audio) -> None:
        """Another lag than the one held was found: believe it once it has won often enough."""
        again = np.abs(lag - self._rival[rows]) <= _SAME
        score = np.where(again, self._rival_score[rows], 0) + weight
        self._rival[rows] = lag
        self._rival_score[rows] = np.maximum(score, 0)
        self._score[rows] = np.maximum(self._score[rows] - np.maximum(weight, 0), 0)
        needed = np.where(self.locked[rows], _MOVE_SCORE, _LOCK_SCORE)
        won = rows[score >= needed]
        self.lag_samples[won] = self._rival[won]
        self.locked[won] = True
        self._score[won] = _START_SCORE
        self._rival_score[won] = 0


def _shifted(row: NDArray[_T], by: int) -> NDArray[_T]:
    """`row` moved `by` places up, zeros where nothing was."""
    moved = np.zeros_like(row)
    by = min(max(by, -row.size), row.size)
    if by >= 0:
        moved[by:] = row[: row.size - by]
    else:
        moved[:by] = row[-by:]
    return moved
