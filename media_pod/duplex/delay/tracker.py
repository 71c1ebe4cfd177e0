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
- the first lag must win several updates before it is accepted, more of them the less it stands out.
  Another lag later needs less: one update in which it stands out far.

The slow memory is searched over all lags, the quick one near the lock. While the tracked lag is
found again and again, only the lags near it are correlated: half the work. The first update that
does not find it there is followed by one over all lags.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.delay.arrivals import SPREAD, Arrivals, Lags, strongest
from media_pod.duplex.delay.correlation import BLOCK, RATE_HZ, WINDOW, Correlator
from media_pod.duplex.delay.memory import LagMemory, Remembered
from media_pod.duplex.features import Levels
from media_pod.duplex.ring import Audio, AudioRing

UPDATE_TICKS: Final = 5
"""Update interval of a slot, in ticks: 100 ms. A slot whose lag is doubted is updated in each."""

_NEAR: Final = 220 * RATE_HZ // 1000
SAME_LAGS: Final = 3 * RATE_HZ // 1000
"""Lags that are as close as this are one echo's; another one is a step of the delay."""
_ABOVE_FLOOR: Final = np.float32(10 ** (3 / 10))
"""Power of received audio that is searched, over its noise floor: 3 dB. On 128 calls of the default
mix the delay was known in 75 % of the echo's time with 5 dB, and in 78 % with 3 dB as without any
bound, which costs half as much again on lines without an echo."""
_DRIFT: Final = 4
"""Deviation, in lags, above which a clear arrival moves the tracked lag."""
_SLIPPED_UPDATES: Final = -(-WINDOW // (UPDATE_TICKS * TICK_MS * BLOCK))
"""Updates to skip after a slip, while the window still contains audio from before it: the tracker
would find the old lag there and return to it. A doubt does not make them more frequent."""
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
"""The same for an arrival outside the range in which the quick memory is searched."""
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


def _above_floor(heard: Audio, floor_db: Levels) -> NDArray[np.bool_]:
    """[rows] whether received audio is above its noise floor, of all bands together."""
    floor = np.sum(10 ** (floor_db / 10), axis=1)
    above: NDArray[np.bool_] = np.mean(heard**2, axis=1) >= floor * _ABOVE_FLOOR
    return above


class DelayTracker:
    """Echo delay of every slot."""

    def __init__(self, slots: int, max_delay_ms: int) -> None:
        self._lags = max_delay_ms * RATE_HZ // 1000 + SPREAD
        self._everywhere = Correlator(self._lags)
        self._near_lag = Correlator(min(2 * _NEAR, self._lags))
        after_lag = self._lags - self._near_lag.lags
        self.history = max(self._everywhere.history, after_lag + self._near_lag.history)
        """Samples of both rings that an update needs."""
        self._memory = LagMemory(slots, self._lags)
        self._settled = np.zeros(slots, np.bool_)
        """[slots] whether the latest update clearly found the tracked lag again."""
        self._slipped = np.zeros(slots, np.intp)
        self._score = np.zeros(slots, np.float32)
        self._rival = np.full(slots, -_NEAR, np.intp)
        self._rival_score = np.zeros(slots, np.float32)
        self.lag_samples = np.zeros(slots, np.intp)
        """[slots] lag of the echo in samples at 8 kHz; undefined until `locked`."""
        self.locked = np.zeros(slots, np.bool_)
        self.peak_ratio = np.zeros(slots, np.float32)
        """[slots] energy of the strongest arrival in the slow memory, over the mean of all lags; 0
        before the first update that learned. This holds until the next update over all lags, and
        the next two until the next update."""
        self.ratio_at_lag = np.zeros(slots, np.float32)
        """[slots] the same at the tracked lag; 0 without a lock."""
        self.ratio_near_lag = np.zeros(slots, np.float32)
        """[slots] the same of the strongest arrival near the tracked lag, in the quick memory; in
        an update of the lags near it alone, over their mean. 0 without a lock, or while a distant
        lag stands out."""
        self.ratio_of_window = np.zeros(slots, np.float32)
        """[slots] the same of the strongest arrival in the latest window alone, while nothing is
        locked: the memories need several. 0 with a lock, and for a window with nothing to learn."""
        self._unexplained = np.zeros(slots, np.intp)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._memory.reset(slot)
        for value in (
            self._settled,
            self._slipped,
            self._unexplained,
            self._score,
            self._rival_score,
            self.lag_samples,
            self.peak_ratio,
            self.ratio_at_lag,
            self.ratio_near_lag,
            self.ratio_of_window,
        ):
            value[slot] = 0
        self._rival[slot] = -_NEAR
        self.locked[slot] = False

    @property
    def confidence(self) -> Audio:
        """[slots] 0..1; 0 before the first lock. Another lag's evidence lowers it."""
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
            self._memory.slip(slot, by)
            self._slipped[slot] = _SLIPPED_UPDATES * self.locked[slot]
            self._rival[slot] += by
            self.lag_samples[slot] = min(max(self.lag_samples[slot] + by, 0), self._lags - 1)

    def step(
        self,
        ticks: NDArray[np.int64],
        where: NDArray[np.bool_],
        caller: AudioRing,
        played: AudioRing,
        floor_db: Levels,
    ) -> None:
        """One tick: update the slots that are due, from their newest audio.

        Args:
            ticks: [slots] of each call, its phase included.
            where: [slots] which slots have a call.
            caller: received audio at 8 kHz.
            played: played audio at 8 kHz; its newest sample is as old as that of `caller`.
            floor_db: [slots, BANDS] noise floor of `caller`; see `NoiseFloor`.
        """
        doubted = self.locked & (self._rival_score > 0) & (self._slipped == 0)
        due = np.flatnonzero(where & (doubted | (ticks % UPDATE_TICKS == 0)))
        if due.size:
            self._update(due, caller, played, floor_db)

    def _update(self, rows: Lags, caller: AudioRing, played: AudioRing, floor_db: Levels) -> None:
        heard = caller.last(WINDOW)[rows]
        awake = _above_floor(heard, floor_db[rows]) & (self._slipped[rows] == 0)
        self._slipped[rows] = np.maximum(self._slipped[rows] - 1, 0)
        self.ratio_of_window[rows] = 0
        if not awake.any():
            return

        rows, heard = rows[awake], heard[awake]
        settled = self._settled[rows]
        for some, correlator in ((~settled, self._everywhere), (settled, self._near_lag)):
            if some.any():
                self._search(rows[some], heard[some], played, floor_db, correlator)

    def _search(
        self,
        rows: Lags,
        heard: Audio,
        played: AudioRing,
        floor_db: Levels,
        correlator: Correlator,
    ) -> None:
        """Correlate `rows` at the lags of `correlator`: those around the tracked one if not all."""
        first = np.clip(self.lag_samples[rows] - _NEAR, 0, self._lags - correlator.lags)
        first -= first % BLOCK
        reference = played.ago(rows, first, correlator.history)
        audible = correlator.audible(reference)
        worth = audible.sum(axis=1) > _LEAST_BLOCKS
        if not worth.any():
            return

        rows, first, heard, audible = rows[worth], first[worth], heard[worth], audible[worth]
        correlation = correlator(heard, reference[worth], floor_db[rows])
        # A part of the lags takes less reference, of which more is echo: the echo stands higher,
        # and by as much the noise of the correlation. In the memory both are as of all lags.
        correlation *= np.float32(np.sqrt(correlator.history / self._everywhere.history))
        known = self._memory.learn(rows, first, correlation, audible)
        lag = self.lag_samples[rows] - first
        found, close = self._strongest(rows, lag, known, correlator is self._everywhere)
        new = ~self.locked[rows]
        if new.any():
            window = strongest(correlation[new], audible[new])
            self.ratio_of_window[rows[new]] = window.ratio
            self._explain(rows[new], heard[new], found.ratio[new])
        here = found.energy_at(lag)
        self.ratio_at_lag[rows] = np.where(new, 0, here)
        self.ratio_near_lag[rows] = np.where(close, found.ratio, 0)
        # When the bot has stopped, and with it the echo at the tracked lag, another lag cannot be
        # compared with it: only the caller's own speech correlates then.
        row, last = np.arange(len(rows)), audible.shape[1] - 1
        comparable = new | audible[row, np.minimum(lag // BLOCK, last)]
        found.lag += first
        threshold = np.where(close | new, _STANDS_OUT, _STANDS_OUT_FAR).astype(np.float32)
        self._rate(rows, found, here, threshold, comparable)

    def _strongest(
        self, rows: Lags, lag: Lags, known: Remembered, everywhere: bool
    ) -> tuple[Arrivals, NDArray[np.bool_]]:
        """The strongest arrivals, and [rows] whether one is the strongest near the tracked lag."""
        if not everywhere:
            near = strongest(known.quick, known.learned, lag, _NEAR)
            return near, np.ones(rows.size, np.bool_)
        found = strongest(known.slow, known.learned)
        self.peak_ratio[rows] = found.ratio
        far = (np.abs(found.lag - lag) > _NEAR) & (found.ratio > _STANDS_OUT_FAR)
        close = self.locked[rows] & ~far
        if close.any():
            near = strongest(known.quick[close], known.learned[close], lag[close], _NEAR)
            found.take(near, close)
        return found, close

    def _explain(self, rows: Lags, heard: Audio, ratio: Audio) -> None:
        """Count the updates of `rows`, not locked, with loud audio and no echo."""
        loud = np.mean(heard**2, axis=1) > _LOUD**2
        count = self._unexplained[rows] + (loud & (ratio < _UNEXPLAINED_BELOW))
        self._unexplained[rows] = np.where(ratio > _EXPLAINED_ABOVE, 0, count)

    def _rate(
        self,
        rows: Lags,
        found: Arrivals,
        here: Audio,
        threshold: Audio,
        comparable: NDArray[np.bool_],
    ) -> None:
        """Take what was found in `rows` as evidence for or against the tracked lags.

        Args:
            rows: slots.
            found: the strongest arrival of each.
            here: [rows] energy at the tracked lag, over the mean of all lags.
            threshold: [rows] of `found.ratio`.
            comparable: [rows] whether the update says something of the tracked lag.
        """
        locked = self.locked[rows]
        same = locked & (np.abs(found.lag - self.lag_samples[rows]) <= SAME_LAGS)
        contradicted = locked & ~same
        most = np.where(contradicted, _MOST_OF_A_RIVAL, _MOST_PER_UPDATE).astype(np.float32)
        weight = _evidence(found.ratio, threshold, most)
        weight[contradicted & (here >= found.ratio / 2)] = -1
        self._settled[rows] = same & (found.ratio > _STANDS_OUT)
        self._confirm(rows[same], found.lag[same], weight[same], found.ratio[same])
        contested = ~same & comparable
        self._doubt(rows[contested], found.lag[contested], weight[contested])

    def _confirm(self, rows: Lags, lag: Lags, weight: Audio, ratio: Audio) -> None:
        """The tracked lag was found again: follow small drifts, and raise its score."""
        drifted = (np.abs(lag - self.lag_samples[rows]) > _DRIFT) & (ratio > 2 * _STANDS_OUT)
        self.lag_samples[rows[drifted]] = lag[drifted]
        self._score[rows] = np.minimum(_MAX_SCORE, self._score[rows] + np.maximum(weight, 0))
        self._rival_score[rows] = 0

    def _doubt(self, rows: Lags, lag: Lags, weight: Audio) -> None:
        """A rival lag was found: move to it once its score is high enough."""
        again = np.abs(lag - self._rival[rows]) <= SAME_LAGS
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
