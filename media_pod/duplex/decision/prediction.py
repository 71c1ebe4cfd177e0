"""Predicts the maximum echo level of the played audio, per band.

An echo is a delayed copy: its band levels are those of the reference at that delay, plus the
coupling of the line in dB (the negative echo return loss, ERL). `EchoPrediction` learns the
coupling per band and slot, without a double-talk detector: it is a running quantile, which is
robust against callers, who speak during a small part of the bot's speech.

There are two predictions:

- at the lag: from the maximum of the reference within 60 ms of the tracked lag, which tolerates a
  slip of up to three frames;
- at any lag: from the maximum of the reference over the longest delay. It needs no delay estimate;
  on a passive line, a level above it cannot be echo.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.features import BANDS, Levels

_AROUND_TICKS: Final = 3
_AROUND: Final = np.arange(-_AROUND_TICKS, _AROUND_TICKS + 1)
_AUDIBLE_DB: Final = np.float32(26.0)
"""Minimum reference level of a band for learning: echo of a lower level is below line noise."""
SPEAKING_DB: Final = np.float32(32.0)
"""Minimum level of the loudest reference band for the bot to count as speaking."""
_FIRST_STEP_DB: Final = 3.0
_LEAST_STEP_DB: Final = 0.05
_PATIENCE: Final = np.float32(10.0)
_UNSURE_DB: Final = np.float32(6.0)
"""Initial margin above a coupling that is not learned yet. Without it, 7 of 9 false stops on lines
of ERL 6-12 dB were in the first second after the first lock."""


def is_audible(reference_db: Levels) -> NDArray[np.bool_]:
    """Whether a reference level is high enough to learn from its echo."""
    return reference_db > _AUDIBLE_DB


@dataclass(frozen=True, slots=True)
class Predicted:
    """Maximum echo levels in one tick."""

    at_lag_db: Levels
    """[slots, BANDS] at the tracked lag; undefined without a lock."""
    at_any_lag_db: Levels
    """[slots, BANDS] at any delay."""
    played_at_lag_db: Levels
    """[slots, BANDS] maximum level of what was played within 60 ms of the tracked lag."""
    played_at_any_lag_db: Levels
    """[slots, BANDS] maximum level of what was played within the longest delay."""
    ceiling_settled: NDArray[np.bool_]
    """[slots] whether `at_any_lag_db` is that of this line, and no longer on its way there."""
    no_echo: NDArray[np.bool_]
    """[slots] whether the line has returned no echo so far, and the bot has spoken for long enough
    to say so."""
    reference_at_lag: NDArray[np.bool_]
    """[slots] whether the bot was speaking at the tracked lag."""
    reference_at_any_lag: NDArray[np.bool_]
    """[slots] whether the bot has spoken within the longest delay."""


class Coupling:
    """Running quantile of level over reference, per slot and band.

    It starts as the maximum of the first ten values. Then the step size is 3 dB / (1 + n / 10), but
    at least 0.05 dB: fast at first, stable later.
    """

    def __init__(self, slots: int, quantile: float, start_db: float) -> None:
        self._quantile = np.float32(quantile)
        self._start_db = np.float32(start_db)
        self._quantile_db: Levels = np.full((slots, BANDS), self._start_db, np.float32)
        self._count = np.zeros((slots, BANDS), np.float32)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._quantile_db[slot] = self._start_db
        self._count[slot] = 0

    @property
    def gain_db(self) -> Levels:
        """[slots, BANDS] gain over the reference, with the margin for a short history."""
        gain_db: Levels = self._quantile_db + _UNSURE_DB / (1 + self._count / _PATIENCE)
        return gain_db

    def learn(self, level_db: Levels, reference_db: Levels, where: NDArray[np.bool_]) -> None:
        """Update with this tick's levels, [slots, BANDS], where the reference is audible."""
        ratio = level_db - reference_db
        step = np.maximum(_FIRST_STEP_DB / (1 + self._count / _PATIENCE), _LEAST_STEP_DB)
        up = ratio > self._quantile_db
        move = np.where(up, self._quantile, self._quantile - 1) * step
        first = np.where(self._count == 0, ratio, np.maximum(ratio, self._quantile_db))
        learned = np.where(self._count < _PATIENCE, first, self._quantile_db + move)
        self._quantile_db = np.where(where, learned, self._quantile_db)
        self._count += where


class Ceiling:
    """Maximum gain of the echo over the reference, at any delay, per slot and band.

    It starts at 0 dB (no loss) and stays there until the reference has been audible for the longest
    delay. Then it follows the level of the received audio, faster down than up. A line without echo
    is identified a second later, without a lock.
    """

    _UP_DB: Final = np.float32(0.4)
    _DOWN_DB: Final = np.float32(-0.8)
    _MARGIN_DB: Final = np.float32(3.0)
    _MOST_DB: Final = np.float32(6.0)
    _SETTLING_TICKS: Final = 1000 // TICK_MS
    _LOW_DB: Final = np.float32(-18.0)
    _LOUDEST_BANDS: Final = 5

    def __init__(self, slots: int, max_delay_ms: int) -> None:
        self._wait_ticks = max_delay_ms // TICK_MS + 5
        self._gain_db: Levels = np.zeros((slots, BANDS), np.float32)
        self._heard_ticks = np.zeros(slots, np.int64)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._gain_db[slot] = 0
        self._heard_ticks[slot] = 0

    @property
    def known(self) -> NDArray[np.bool_]:
        """[slots] whether the bot has spoken long enough for a learned value."""
        return self._heard_ticks > self._wait_ticks

    @property
    def settled(self) -> NDArray[np.bool_]:
        """[slots] whether it has been learned for a second: 40 dB lower, if there is no echo."""
        return self._heard_ticks > self._wait_ticks + self._SETTLING_TICKS

    def low(self, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """[slots] whether the value is known, and that of a line without echo or with a faint one;
        False outside of `where`.

        A caller who talks raises it for a while: measured as he began to be heard, on lines without
        echo and with noise of -70 and -50 dBFS, it was below this limit in 9 of 10 cases.
        """
        low = self.known & where
        if low.any():
            loudest = np.partition(self._gain_db[low], -self._LOUDEST_BANDS, axis=1)
            low[low] = loudest[:, -self._LOUDEST_BANDS :].mean(axis=1) < self._LOW_DB
        return low

    @property
    def gain_db(self) -> Levels:
        """[slots, BANDS] gain over the maximum of the reference, with a margin."""
        gain_db: Levels = np.minimum(self._gain_db + self._MARGIN_DB, self._MOST_DB)
        return gain_db

    def learn(self, level_db: Levels, reference_db: Levels, teaches: NDArray[np.bool_]) -> None:
        """Update the slots in `teaches` with this tick's levels and the maximum of the reference
        over all lags, both [slots, BANDS]."""
        audible = is_audible(reference_db) & teaches[:, None]
        self._heard_ticks += np.count_nonzero(audible, axis=1) > BANDS // 2
        toward = np.clip(level_db - reference_db - self._gain_db, self._DOWN_DB, self._UP_DB)
        self._gain_db += np.where(audible & self.known[:, None], toward, 0)


class EchoPrediction:
    """Predicts the echo levels of every slot."""

    def __init__(self, slots: int, max_delay_ms: int) -> None:
        self._ticks = max_delay_ms // TICK_MS + 2 * _AROUND_TICKS + 2
        # Ticks on the first axis: the maximum over them works on whole rows, six times as fast.
        self._history = np.zeros((self._ticks, slots, BANDS), np.float32)
        self._now = 0
        self._rows = np.arange(slots)[:, None]
        self._coupling = Coupling(slots, quantile=0.7, start_db=0.0)
        self._ceiling = Ceiling(slots, max_delay_ms)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._history[:, slot] = 0
        self._coupling.reset(slot)
        self._ceiling.reset(slot)

    def step(
        self,
        played_db: Levels,
        caller_db: Levels,
        lag_ticks: NDArray[np.intp],
        locked: NDArray[np.bool_],
        teaches: NDArray[np.bool_],
    ) -> "Predicted":
        """Take one tick of every slot: predict first, then learn from the received levels.

        Args:
            played_db: [slots, BANDS] levels of the played audio.
            caller_db: [slots, BANDS] levels of the received audio.
            lag_ticks: [slots] tracked lag, in whole ticks.
            locked: [slots] whether the tracker has a lock.
            teaches: [slots] whether the received audio is valid for learning.
        """
        self._now = (self._now + 1) % self._ticks
        self._history[self._now] = played_db
        at_lag, at_any_lag = self._at_lag(lag_ticks), self._history.max(axis=0)
        predicted = Predicted(
            at_lag_db=at_lag + self._coupling.gain_db,
            at_any_lag_db=at_any_lag + self._ceiling.gain_db,
            played_at_lag_db=at_lag,
            played_at_any_lag_db=at_any_lag,
            ceiling_settled=self._ceiling.settled,
            no_echo=self._ceiling.low(~locked),
            reference_at_lag=locked & (at_lag.max(axis=1) > SPEAKING_DB),
            reference_at_any_lag=at_any_lag.max(axis=1) > SPEAKING_DB,
        )
        self._coupling.learn(caller_db, at_lag, is_audible(at_lag) & (locked & teaches)[:, None])
        self._ceiling.learn(caller_db, at_any_lag, teaches)
        return predicted

    def _at_lag(self, lag_ticks: NDArray[np.intp]) -> Levels:
        """[slots, BANDS] maximum of the reference within 60 ms of each slot's lag."""
        ago = np.clip(lag_ticks[:, None] + _AROUND, 0, self._ticks - 1)
        # Below 0 it is counted from the end: the history is a ring.
        loudest: Levels = self._history[self._now - ago, self._rows].max(axis=1)
        return loudest
