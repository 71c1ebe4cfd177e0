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

_NOISE, _ECHO, _ANY = slice(0, 2), slice(2, 4), slice(4, 6)
"""Places of the kinds of excess, two of each, which have one name per band."""
_LEAST_DB, _MOST_DB, _SCALE = (
    np.repeat(np.array(each, np.float32), 2)[:, None]
    for each in ((-10.0, -30.0, -50.0), (50.0, 40.0, 40.0), (1 / 16, 1 / 12, 1 / 16))
)
"""[6, 1] limits and scales of each."""


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
        (0 without a lag), and over any echo. Digital silence on the line teaches nothing; the
        cleaned audio, a tick later, still does: the networks have learned with that.
        """
        has_lag = signals.tracker.has_lag
        cleaned_db, at_lag_db = signals.cleaned_db, predicted.played_at_lag_db
        self._floor.follow(cleaned_db, ~signals.digital_silence)
        cleaned_floor_db = self._floor.level_db
        residual_db = at_lag_db + self._coupling.gain_db
        over = np.empty((len(caller_db), 6, BANDS), np.float32)
        for place, (level_db, below_db) in enumerate(
            (
                (caller_db, floor_db),
                (cleaned_db, cleaned_floor_db),
                (caller_db, np.maximum(predicted.at_lag_db, floor_db)),
                (cleaned_db, np.maximum(residual_db, cleaned_floor_db)),
                (caller_db, np.maximum(predicted.played_at_any_lag_db, floor_db)),
                (caller_db, np.maximum(predicted.at_any_lag_db, floor_db)),
            )
        ):
            np.subtract(level_db, below_db, out=over[:, place])
        np.clip(over, _LEAST_DB, _MOST_DB, out=over)
        over *= _SCALE
        over[~has_lag, _ECHO] = 0
        teaches = (has_lag & ~signals.digital_silence)[:, None]
        self._coupling.learn(cleaned_db, at_lag_db, is_audible(at_lag_db) & teaches)
        noise, echo, any_echo = (
            over[:, kind].reshape(len(over), 2 * BANDS) for kind in (_NOISE, _ECHO, _ANY)
        )
        return noise, echo, any_echo
