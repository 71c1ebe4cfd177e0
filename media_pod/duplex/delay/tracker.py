"""Tracks the echo delay of every call, with a confidence.

Generalised cross-correlation with phase transform (GCC-PHAT; Knapp and Carter, 1976) between the
last 256 ms of received audio and the last second of reference. Each call is updated 10 times per
second; updates are staggered, so that each tick handles a fifth of the calls.

Three rules prevent a lock on a wrong lag:

- a lag is rated by the correlation's energy over 5 ms, because the echo of a room has no single
  peak. The delay is then the first arrival just before the strongest, which keeps the canceller
  causal;
- a lag learns only while the reference was audible at that lag and the received audio is above its
  noise floor: otherwise it would learn the edges of speech instead of the echo;
- a lag must win several updates before it is accepted, more of them the less it stands out.

There are two memories: a slow one, searched over all lags, and a fast one, searched near the lock,
which follows a step of the delay.
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
"""Update interval of a slot, in ticks: 100 ms."""
_RECHECK_TICKS: Final = 2
"""A lag that is doubted is updated again so soon: 40 ms."""

_SLOW: Final = np.float32(0.2)
_QUICK: Final = np.float32(0.6)
_NEAR: Final = 220 * RATE_HZ // 1000
_SAME: Final = 3 * RATE_HZ // 1000
_ABOVE_NOISE: Final = np.float32(10 ** (5 / 20))
_NOISE_RISE: Final = np.float32(10 ** (0.2 / 20))
"""Per update: the noise floor falls at once and rises by 2 dB per second."""
_DRIFT: Final = 4
"""Deviation, in lags, above which a clear arrival moves the tracked lag."""
_SLIPPED_UPDATES: Final = -(-WINDOW // (UPDATE_TICKS * TICK_MS * BLOCK))
"""Updates to skip after a slip, while the window still contains audio from before it: the tracker
would find the old lag there and return to it."""
_LOUD: Final = np.float32(10 ** (-44 / 20) * 32768)
"""RMS of received audio in which an echo would be found: -44 dBFS."""
_UNEXPLAINED_BELOW: Final = 6.0
"""Energy of the strongest arrival, over the mean of all lags, below which there is no echo..."""
_EXPLAINED_ABOVE: Final = 10.0
"""...and above which there is one."""
_UNEXPLAINED_UPDATES: Final = 6
"""Updates with loud audio and no echo, since the last with one. Measured by hand on 400 lines with
an echo, the bot speaking from the first tick (ERL 6-30 dB, 20-900 ms, hybrids and rooms; G.711, GSM
06.10 twice, with clipping, with 5 % loss): one call had five and none six. Callers over the bot, on
lines without an echo, have six 0.6 s after their first sound at the median, 1.1 s at p95."""
_LEAST_BLOCKS: Final = 50
"""Minimum number of audible blocks of lags for which a correlation is computed: 50 ms."""
_STANDS_OUT: Final = 8.0
"""Energy of an arrival, over the mean of all lags, above which it is evidence."""
_STANDS_OUT_FAR: Final = 12.0
"""The same for an arrival outside the range in which the fast memory is searched."""
_MOST_PER_UPDATE: Final = 1.5
_LOCK_SCORE: Final = 3.0
_MOVE_SCORE: Final = 2.25
"""More than an update weighs, unless the rival stands out as far as real steps often do."""
_MOST_OF_A_RIVAL: Final = 2.5
"""A step that leaves no echo at the tracked lag often stands out by 16 dB (a weight of 2.25) at
once. None of eight moves to a caller's speech over the bot did; see docs/decisions/0020."""
_START_SCORE: Final = 5.0
_MAX_SCORE: Final = 8.0


def _evidence(ratio: Audio, threshold: Audio, most: Audio) -> Audio:
    """[rows] weight of an arrival, like a log-likelihood ratio: 0 at the threshold, clipped at
    `most`."""
    weight = np.log2(np.maximum(ratio, 1e-3) / threshold)
    return np.clip(weight, -most, most).astype(np.float32)


class DelayTracker:
    """Echo delay of every slot."""

    def __init__(self, slots: int, max_delay_ms: int) -> None:
        self._lags = max_delay_ms * RATE_HZ // 1000 + SPREAD
        self._correlator = Correlator(self._lags)
        self.history = self._correlator.history
        """Samples of both rings that an update needs."""
        self._slow = np.zeros((slots, self._lags), np.float32)
        self._quick = np.zeros((slots, self._lags), np.float32)
        self._learned = np.zeros((slots, self._lags // BLOCK), np.bool_)
        self._slipped = np.zeros(slots, np.intp)
        self._noise = np.full(slots, np.inf, np.float32)
        self._score = np.zeros(slots, np.float32)
        self._rival = np.full(slots, -_NEAR, np.intp)
        self._rival_score = np.zeros(slots, np.float32)
        self.lag_samples = np.zeros(slots, np.intp)
        """[slots] lag of the echo in samples at 8 kHz; undefined until `locked`."""
        self.locked = np.zeros(slots, np.bool_)
        self.peak_ratio = np.zeros(slots, np.float32)
        """[slots] energy of the strongest arrival in the slow memory, over the mean of all lags; 0
        before the first update that learned. This and the next two hold between updates."""
        self.ratio_at_lag = np.zeros(slots, np.float32)
        """[slots] the same at the tracked lag; 0 without a lock."""
        self.ratio_near_lag = np.zeros(slots, np.float32)
        """[slots] the same of the strongest arrival near the tracked lag, in the fast memory; 0
        without a lock, or while a distant lag stands out."""
        self.ratio_of_window = np.zeros(slots, np.float32)
        """[slots] the same of the strongest arrival in the latest window alone, while nothing is
        locked: the memories need several. 0 with a lock, and for a window with nothing to learn."""
        self._unexplained = np.zeros(slots, np.intp)
        self._since_ticks = np.zeros(slots, np.intp)
        """[slots] ticks since the latest update."""

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        for memory in (self._slow, self._quick, self._learned):
            memory[slot] = 0
        for value in (
            self._slipped,
            self._unexplained,
            self._since_ticks,
            self._score,
            self._rival_score,
            self.lag_samples,
            self.peak_ratio,
            self.ratio_at_lag,
            self.ratio_near_lag,
            self.ratio_of_window,
        ):
            value[slot] = 0
        self._noise[slot] = np.inf
        self._rival[slot] = -_NEAR
        self.locked[slot] = False

    @property
    def confidence(self) -> Audio:
        """[slots] 0..1; 0 before the first lock, below 0.5 while another lag has more evidence."""
        doubt = 2 * self._rival_score / _MOVE_SCORE
        sure = np.clip(self._score / _MAX_SCORE - doubt / 4, 0, 1)
        return np.where(self.locked, sure, 0).astype(np.float32)

    @property
    def unexplained(self) -> NDArray[np.bool_]:
        """[slots] whether the received audio has been loud for a while, and is no echo of what was
        played: no lag of it stands out."""
        return ~self.locked & (self._unexplained >= _UNEXPLAINED_UPDATES)

    def slip(self, slots: Lags, samples: NDArray[np.int32]) -> None:
        """Shift the lags of `slots` by the samples, at 8 kHz, that the gather phase filled (> 0) or
        dropped (< 0)."""
        for slot, by in zip(slots.tolist(), samples.tolist(), strict=True):
            for memory in (self._slow, self._quick):
                memory[slot] = _shifted(memory[slot], by)
            self._learned[slot] = _shifted(self._learned[slot], round(by / BLOCK))
            self._slipped[slot] = _SLIPPED_UPDATES * self.locked[slot]
            self._rival[slot] += by
            self.lag_samples[slot] = min(max(self.lag_samples[slot] + by, 0), self._lags - 1)

    def step(
        self,
        ticks: NDArray[np.int64],
        where: NDArray[np.bool_],
        caller: AudioRing,
        played: AudioRing,
    ) -> None:
        """One tick: update the slots that are due, from their newest audio.

        Args:
            ticks: [slots] of each call, its phase included.
            where: [slots] which slots have a call.
            caller: received audio at 8 kHz.
            played: played audio at 8 kHz; its newest sample is as old as that of `caller`.
        """
        self._since_ticks += 1
        doubted = self.locked & (self._rival_score > 0)
        again = doubted & (self._since_ticks == _RECHECK_TICKS)
        due = np.flatnonzero(where & (again | (ticks % UPDATE_TICKS == 0)))
        if due.size:
            self._since_ticks[due] = 0
            self._update(due, caller, played)

    def _update(self, rows: Lags, caller: AudioRing, played: AudioRing) -> None:
        heard = caller.last(WINDOW)[rows]
        awake = self._above_noise(rows, heard) & (self._slipped[rows] == 0)
        self._slipped[rows] = np.maximum(self._slipped[rows] - 1, 0)
        self.ratio_of_window[rows] = 0
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
        new = ~self.locked[rows]
        if new.any():
            window = strongest(correlation[new], audible[new])
            self.ratio_of_window[rows[new]] = window.ratio
        ratio = self._rate(rows, slow, quick, audible)
        loud = np.mean(heard[worth] ** 2, axis=1) > _LOUD**2
        count = self._unexplained[rows] + (loud & (ratio < _UNEXPLAINED_BELOW))
        self._unexplained[rows] = np.where(ratio > _EXPLAINED_ABOVE, 0, count)

    def _above_noise(self, rows: Lags, heard: Audio) -> NDArray[np.bool_]:
        """[rows] whether the received audio is above its noise floor, which is updated here."""
        level = np.sqrt(np.mean(heard**2, axis=1)) + 1
        self._noise[rows] = np.minimum(self._noise[rows] * _NOISE_RISE, level)
        above: NDArray[np.bool_] = level >= self._noise[rows] * _ABOVE_NOISE
        return above

    def _learn(self, rows: Lags, correlation: Audio, audible: Blocks) -> tuple[Audio, Audio]:
        """Update both memories with a correlation; returns their `rows`."""
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

    def _rate(self, rows: Lags, slow: Audio, quick: Audio, audible: Blocks) -> Audio:
        """Rate the memories of `rows` as evidence for or against the tracked lags.

        Returns:
            [rows] energy of the strongest arrival, over the mean of all lags.
        """
        locked, lag = self.locked[rows], self.lag_samples[rows]
        learned = self._learned[rows]
        found = strongest(slow, learned)
        self.peak_ratio[rows] = found.ratio
        threshold = np.where(locked, _STANDS_OUT_FAR, _STANDS_OUT).astype(np.float32)
        far = (np.abs(found.lag - lag) > _NEAR) & (found.ratio > _STANDS_OUT_FAR)
        close = locked & ~far
        if close.any():
            found.take(strongest(quick[close], learned[close], lag[close], _NEAR), close)
            threshold[close] = _STANDS_OUT

        same = locked & (np.abs(found.lag - lag) <= _SAME)
        contradicted = locked & ~same
        most = np.where(contradicted, _MOST_OF_A_RIVAL, _MOST_PER_UPDATE).astype(np.float32)
        weight = _evidence(found.ratio, threshold, most)
        here = found.energy_at(lag)
        self.ratio_at_lag[rows] = np.where(locked, here, 0)
        self.ratio_near_lag[rows] = np.where(close, found.ratio, 0)
        weight[contradicted & (here >= found.ratio / 2)] = -1
        self._confirm(rows[same], found.lag[same], weight[same], found.ratio[same])
        # When the bot has stopped, and with it the echo at the tracked lag, another lag cannot be
        # compared with it: only the caller's own speech correlates then.
        row, last = np.arange(len(rows)), audible.shape[1] - 1
        contested = ~same & (~locked | audible[row, np.minimum(lag // BLOCK, last)])
        self._doubt(rows[contested], found.lag[contested], weight[contested])
        return found.ratio

    def _confirm(self, rows: Lags, lag: Lags, weight: Audio, ratio: Audio) -> None:
        """The tracked lag was found again: follow small drifts, and raise its score."""
        drifted = (np.abs(lag - self.lag_samples[rows]) > _DRIFT) & (ratio > 2 * _STANDS_OUT)
        self.lag_samples[rows[drifted]] = lag[drifted]
        self._score[rows] = np.minimum(_MAX_SCORE, self._score[rows] + np.maximum(weight, 0))
        self._rival_score[rows] = 0

    def _doubt(self, rows: Lags, lag: Lags, weight: Audio) -> None:
        """A rival lag was found: move to it once its score is high enough."""
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
    """`row` shifted up by `by` places, filled with zeros."""
    moved = np.zeros_like(row)
    by = min(max(by, -row.size), row.size)
    if by >= 0:
        moved[by:] = row[: row.size - by]
    else:
        moved[:by] = row[-by:]
    return moved
