"""Band levels against what could explain them: the line's noise, the predicted echo, any echo."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.decision.judge.couplings import ResidualCoupling
from media_pod.duplex.decision.prediction import Predicted, is_audible
from media_pod.duplex.decision.signals import Signals
from media_pod.duplex.features import BANDS, Levels, NoiseFloor

Floats = NDArray[np.float32]


def _per_band(name: str) -> tuple[str, ...]:
    return tuple(f"{name}_{band + 1}" for band in range(BANDS))


OVER_NOISE: Final = (*_per_band("caller_over_noise"), *_per_band("cleaned_over_noise"))
OVER_ECHO: Final = (*_per_band("caller_over_echo"), *_per_band("cleaned_over_echo"), "coupling_age")
OVER_ANY_ECHO: Final = (*_per_band("caller_over_played"), *_per_band("caller_over_ceiling"))

_NOISE_DB: Final = (np.float32(-10.0), np.float32(50.0))
_NOISE_SCALE: Final = np.float32(1 / 16)
_EXCESS_DB: Final = (np.float32(-30.0), np.float32(40.0))
_EXCESS_SCALE: Final = np.float32(1 / 12)
_ANY_DB: Final = (np.float32(-50.0), np.float32(40.0))
_ANY_SCALE: Final = np.float32(1 / 16)


class LevelFeatures:
    """Features of levels per band, of every slot."""

    def __init__(self, slots: int) -> None:
        self._floor = NoiseFloor(slots)
        self._coupling = ResidualCoupling(slots)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._floor.reset(slot)
        self._coupling.reset(slot)

    @property
    def coupling_ticks(self) -> NDArray[np.intp]:
        """[slots] for how long the coupling after the canceller has learned."""
        return self._coupling.ticks

    def step(
        self, caller_db: Levels, floor_db: Levels, predicted: Predicted, signals: Signals
    ) -> tuple[Floats, Floats, Floats]:
        """Take one tick of every slot: [slots, 2 * BANDS] over the noise, over the echo at the lag
        (0 without a lag), and over any echo. Levels without the evidence of sound, digital silence,
        teach nothing.
        """
        has_lag = signals.tracker.has_lag[:, None]
        cleaned_db, at_lag_db = signals.cleaned_db, predicted.played_at_lag_db
        self._floor.follow(cleaned_db, ~signals.flat)
        residual_db = at_lag_db + self._coupling.gain_db
        over_noise = _stacked(caller_db - floor_db, cleaned_db - self._floor.level_db)
        over_echo = _stacked(
            caller_db - np.maximum(predicted.at_lag_db, floor_db),
            cleaned_db - np.maximum(residual_db, self._floor.level_db),
        )
        over_any = _stacked(
            caller_db - np.maximum(predicted.played_at_any_lag_db, floor_db),
            caller_db - np.maximum(predicted.at_any_lag_db, floor_db),
        )
        teaches = has_lag & ~signals.flat[:, None]
        self._coupling.learn(cleaned_db, at_lag_db, is_audible(at_lag_db) & teaches)
        return (
            _scaled(over_noise, _NOISE_DB, _NOISE_SCALE),
            np.where(has_lag, _scaled(over_echo, _EXCESS_DB, _EXCESS_SCALE), 0),
            _scaled(over_any, _ANY_DB, _ANY_SCALE),
        )


def _stacked(one: Levels, other: Levels) -> Levels:
    return np.concatenate([one, other], axis=1)


def _scaled(level_db: Levels, limits: tuple[np.float32, np.float32], scale: np.float32) -> Floats:
    scaled: Floats = np.clip(level_db, *limits) * scale
    return scaled
