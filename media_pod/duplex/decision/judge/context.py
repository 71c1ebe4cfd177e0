"""Features of the call's state: the delay tracker, the canceller's loss, the bot and the levels."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import LOCKED, TICK_MS
from media_pod.duplex.decision.detector import Evidence
from media_pod.duplex.decision.judge.columns import Column
from media_pod.duplex.decision.judge.timers import Since
from media_pod.duplex.decision.prediction import SPEAKING_DB
from media_pod.duplex.decision.signals import Signals
from media_pod.duplex.delay.correlation import RATE_HZ
from media_pod.duplex.delay.tracker import SAME_LAGS
from media_pod.duplex.features import BANDS, Levels

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

DELAY: Final = (
    "delay_locked",
    "delay_confidence",
    "delay_peak_ratio",
    "delay_ratio_at_lag",
    "delay_ratio_near_lag",
    "delay_ratio_of_window",
    "delay_since_lock",
    "delay_since_jump",
    "delay_unexplained",
)
BOT: Final = (
    "played_level",
    "played_level_at_lag",
    "played_level_at_any_lag",
    "bot_since_onset",
    "bot_since_end",
    "caller_level",
    "cleaned_level",
    "caller_over_played_peak",
    "bot_at_lag",
    "bot_within_longest_delay",
)
CANCELLER: Final = (
    "canceller_loss",
    "canceller_loss_smoothed",
    "band_correlation_caller",
    "band_correlation_caller_smoothed",
    "band_correlation_cleaned_smoothed",
)

_ONSET, _PLAYING, _LOCK, _JUMP = range(4)
_PAUSE_TICKS: Final = 400 // TICK_MS
"""The bot begins to speak after a longer silence than this; between words it is shorter."""
_TICK_LAGS: Final = RATE_HZ * TICK_MS // 1000
_MID_DB: Final = np.float32(35.0)
_LEVEL_DB: Final = np.float32(15.0)
_RATIO_LOG: Final = np.float32(np.log(8))
"""A ratio of 8 stands out; see delay/tracker.py."""
_LOSS_DB: Final = np.float32(15.0)
_SMOOTH: Final = np.float32(TICK_MS / 130)
_LEAST_VARIANCE: Final = np.float32(4.0)


class CallContext:
    """Features of the delay tracker, of the bot and of levels over all bands."""

    def __init__(self, slots: int) -> None:
        self._since = Since(4, slots)
        self._had_lock = np.zeros(slots, np.bool_)
        self._lag_samples = np.zeros(slots, np.intp)
        self.lag_ticks = np.zeros(slots, np.intp)
        """[slots] tracked lag in whole ticks."""
        self.echo_may_return = np.zeros(slots, np.bool_)
        """[slots] the bot speaks, or what it said has not returned yet: by the tracked lag, and by
        the longest delay without one."""

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._since.reset(slot)
        self._had_lock[slot] = self.echo_may_return[slot] = False
        self._lag_samples[slot] = self.lag_ticks[slot] = 0

    @property
    def onset_ticks(self) -> NDArray[np.intp]:
        """[slots] ticks since the bot began to speak."""
        ticks: NDArray[np.intp] = self._since.ticks[_ONSET]
        return ticks

    def step(self, evidence: Evidence, signals: Signals) -> tuple[list[Column], list[Column]]:
        """Take one tick of every slot; the columns of `DELAY` and of `BOT`."""
        playing = signals.played_db.max(axis=1) > SPEAKING_DB
        lag = signals.tracker.lag_samples
        moved = np.abs(lag - self._lag_samples) > SAME_LAGS
        self._since.step(
            playing & (self._since.ticks[_PLAYING] > _PAUSE_TICKS),
            playing,
            evidence.locked & ~self._had_lock,
            signals.tracker.has_lag & moved,
        )
        self._had_lock, self._lag_samples = evidence.locked.copy(), lag.copy()
        self.lag_ticks = lag // _TICK_LAGS
        predicted = evidence.predicted
        self.echo_may_return = playing | np.where(
            signals.tracker.has_lag, predicted.reference_at_lag, predicted.reference_at_any_lag
        )
        times = self._since.log_seconds
        return (
            self._delay_features(evidence, signals, times),
            self._bot_features(evidence, signals, times),
        )

    def _delay_features(self, evidence: Evidence, signals: Signals, times: Floats) -> list[Column]:
        tracker = signals.tracker
        ratios = np.stack(
            [
                tracker.peak_ratio,
                tracker.ratio_at_lag,
                tracker.ratio_near_lag,
                tracker.ratio_of_window,
            ]
        )
        return [
            evidence.locked,
            2 * (tracker.confidence - np.float32(LOCKED)),
            *np.log(np.maximum(ratios, 1)) - _RATIO_LOG,
            times[_LOCK] * evidence.locked,
            times[_JUMP],
            evidence.unexplained,
        ]

    def _bot_features(self, evidence: Evidence, signals: Signals, times: Floats) -> list[Column]:
        predicted = evidence.predicted
        caller_db, any_db = (
            evidence.caller_db.max(axis=1),
            predicted.played_at_any_lag_db.max(axis=1),
        )
        at_lag_db = np.where(
            signals.tracker.has_lag, predicted.played_at_lag_db.max(axis=1), np.float32(-10)
        )
        return [
            _level(signals.played_db.max(axis=1)),
            _level(at_lag_db),
            _level(any_db),
            times[_ONSET],
            times[_PLAYING],
            _level(caller_db),
            _level(signals.cleaned_db.max(axis=1)),
            np.where(predicted.reference_at_any_lag, (caller_db - any_db) / _LEVEL_DB, 0),
            predicted.reference_at_lag,
            predicted.reference_at_any_lag,
        ]


class CancellerFeatures:
    """The canceller's loss, and how like the bands are to those of the echo's source.

    The cleaned audio is held against the received and the played audio of a tick ago, since the
    cancellers delay by up to one.
    """

    def __init__(self, slots: int) -> None:
        self._late_db = np.zeros((2, slots, BANDS), np.float32)
        """Levels of the received audio and of the echo's source, a tick ago."""
        self._late_silence = np.ones(slots, np.bool_)
        """Digital silence a tick ago, or before the call."""
        self._smoothed = np.zeros((3, slots), np.float32)
        """Loss, and band correlation of the caller's and of the cleaned audio."""

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._late_db[:, slot] = 0
        self._late_silence[slot] = True
        self._smoothed[:, slot] = 0

    def step(self, caller_db: Levels, played_at_lag_db: Levels, signals: Signals) -> list[Column]:
        """Take one tick of every slot; the columns of `CANCELLER`."""
        late_db, late_played_db = self._late_db
        loss = (late_db.max(axis=1) - signals.cleaned_db.max(axis=1)) / _LOSS_DB
        of_ends = _centred(np.stack([caller_db, signals.cleaned_db]))
        of_source = _centred(np.stack([played_at_lag_db, late_played_db]))
        now = np.empty_like(self._smoothed)
        now[0] = np.where(signals.digital_silence | self._late_silence, 0, loss)
        now[1:] = np.where(signals.tracker.has_lag, _correlation(of_ends, of_source), 0)
        self._smoothed += _SMOOTH * (now - self._smoothed)
        self._late_db[0], self._late_db[1] = caller_db, played_at_lag_db
        self._late_silence = signals.digital_silence.copy()
        return [now[0], self._smoothed[0], 2 * now[1], *(2 * self._smoothed[1:])]


def _level(level_db: Floats) -> Floats:
    scaled: Floats = (level_db - _MID_DB) / _LEVEL_DB
    return scaled


def _centred(level_db: Levels) -> Levels:
    centred: Levels = level_db - level_db.mean(axis=-1, keepdims=True)
    return centred


def _correlation(some: Levels, other: Levels) -> Floats:
    """[..., slots] correlation over the bands, -1..1; 0 of levels that are all the same."""
    both = (some * other).sum(axis=-1)
    power = (some * some).sum(axis=-1) * (other * other).sum(axis=-1)
    correlation: Floats = both / np.sqrt(power + np.square(_LEAST_VARIANCE * BANDS))
    return correlation
