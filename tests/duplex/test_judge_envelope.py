"""Correlation of envelopes at every lag."""

import numpy as np
import pytest

from media_pod.duplex.decision.judge.columns import joined
from media_pod.duplex.decision.judge.envelope import NAMES, EnvelopeCorrelation
from media_pod.duplex.features import BANDS, Levels

TICKS = 150
FLOOR_DB = np.full((1, BANDS), 10, np.float32)


def speech(seed: int) -> Levels:
    """[TICKS, BANDS] levels that change every 100 ms, with pauses."""
    rng = np.random.default_rng(seed)
    sounds = rng.uniform(40, 65, (TICKS // 5, BANDS)) * (rng.random((TICKS // 5, 1)) > 0.2)
    sounds[-1] = 50.0
    return np.repeat(sounds, 5, axis=0).astype(np.float32)


def measured(caller_db: Levels, played_db: Levels, tracked_ticks: int = 0) -> dict[str, float]:
    envelope = EnvelopeCorrelation(1)
    for tick, (caller, played) in enumerate(zip(caller_db, played_db, strict=True)):
        columns = envelope.step(
            caller[None],
            FLOOR_DB,
            played[None],
            np.array([tick]),
            np.array([tracked_ticks]),
            np.array([True]),
        )
    return dict(zip(NAMES, joined(columns, 1, len(NAMES))[0].tolist(), strict=True))


@pytest.mark.parametrize("lag_ticks", [0, 1, 17, 63])
def test_finds_a_late_copy_at_its_lag(lag_ticks: int) -> None:
    played = speech(1)
    found = measured(np.roll(played, lag_ticks, axis=0) - 15, played, lag_ticks)
    assert found["envelope_winner_lag"] * 32 == pytest.approx(lag_ticks)
    assert found["envelope_best_long"] > 2 * 0.85
    assert found["envelope_long_at_tracked_lag"] == found["envelope_best_long"]
    assert found["envelope_level_over_played_1"] * 15 == pytest.approx(-15, abs=0.1)


def test_another_voice_is_no_copy() -> None:
    assert measured(speech(2), speech(1))["envelope_best_long"] < 2 * 0.6


def test_noise_of_a_steady_level_is_no_copy() -> None:
    rng = np.random.default_rng(1)
    noise = rng.uniform(22, 23, (TICKS, BANDS)).astype(np.float32)
    assert measured(noise, speech(1))["envelope_best_long"] < 2 * 0.3


def test_the_lag_is_compared_with_the_time_since_the_bots_onset() -> None:
    envelope = EnvelopeCorrelation(1)
    columns = envelope.step(
        FLOOR_DB, FLOOR_DB, FLOOR_DB, np.array([5]), np.array([0]), np.array([False])
    )
    row = joined(columns, 1, len(NAMES))[0]
    assert row[NAMES.index("envelope_winner_before_onset")] == pytest.approx(5 / 25)
