import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from interject_lab.errors import LabError
from interject_lab.network.levels import active_level_dbfs
from interject_lab.network.paths import PATHS, PathKind, hybrid, measured, room, single_tap
from lab.conftest import Talk

SEEDS = range(12)


@pytest.mark.parametrize("kind", ["hybrid", "room"])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_speech_comes_back_about_as_loud(kind: PathKind, rate_hz: int, talk: Talk) -> None:
    spoken = talk(3.0)
    for seed in SEEDS:
        path = PATHS[kind](np.random.default_rng(seed), rate_hz)
        echo = signal.fftconvolve(spoken.astype(np.float64), path.taps)
        gain_db = active_level_dbfs(np.asarray(echo), rate_hz) - active_level_dbfs(spoken, rate_hz)
        assert abs(gain_db) < 8


def test_a_hybrid_lies_within_the_ranges_of_its_models() -> None:
    for seed in SEEDS:
        path = hybrid(np.random.default_rng(seed))
        assert 8 <= path.taps.size / 8 <= 16
        assert 0.75 <= path.main_lag_samples / 8 <= 6


def test_a_room_decays() -> None:
    for seed in SEEDS:
        path = room(np.random.default_rng(seed))
        energy = path.taps**2
        assert path.main_lag_samples / 8 < 4
        assert np.sum(energy[-400:]) < 1e-3 * np.sum(energy[:400])


def test_the_same_seed_gives_the_same_path_and_another_another() -> None:
    first, again, other = (room(np.random.default_rng(seed)).taps for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.size != other.size or not np.array_equal(first, other)


def test_a_single_tap_changes_nothing() -> None:
    np.testing.assert_array_equal(single_tap().taps, [1.0])


@pytest.mark.parametrize("scale", [1.0, 30_000.0])
def test_a_measured_response_is_scaled_as_the_drawn_ones_are(scale: float) -> None:
    drawn = room(np.random.default_rng(1))
    path = measured(drawn.taps * scale, 8000)
    np.testing.assert_allclose(path.taps, drawn.taps)
    assert path.main_lag_samples == drawn.main_lag_samples


@pytest.mark.parametrize("taps", [np.zeros(4), np.ones((2, 2)), np.array([1.0, np.nan])])
def test_what_is_no_impulse_response_says_so(taps: NDArray[np.float64]) -> None:
    with pytest.raises(LabError, match="expected one row of finite numbers"):
        measured(taps, 8000)
