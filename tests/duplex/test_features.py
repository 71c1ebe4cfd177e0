"""Band levels and the noise floor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.duplex.features import BANDS, BandLevels, NoiseFloor

ALL = np.array([True])


@given(gain_db=st.floats(-20, 40), seed=st.integers(0, 1000))
def test_levels_move_with_the_signal(gain_db: float, seed: int) -> None:
    levels = BandLevels(8000)
    noise = 100 * np.random.default_rng(seed).standard_normal((1, 256)).astype(np.float32)
    louder = levels((noise * 10 ** (gain_db / 20)).astype(np.float32))
    assert np.allclose(louder - levels(noise), gain_db, atol=0.02)


def test_twice_the_amplitude_is_6_02_db() -> None:
    levels = BandLevels(8000)
    noise = 100 * np.random.default_rng(1).standard_normal((1, 256)).astype(np.float32)
    assert np.allclose(levels(2 * noise) - levels(noise), 6.02, atol=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(("tone_hz", "band"), [(200, 0), (650, 3), (1660, 7), (3500, 11)])
def test_a_tone_is_in_its_band_at_its_level(rate_hz: int, tone_hz: int, band: int) -> None:
    levels = BandLevels(rate_hz)
    time_s = np.arange(levels.window) / rate_hz
    tone = np.sqrt(2) * 1000 * np.sin(2 * np.pi * tone_hz * time_s)
    level_db = levels(tone[None].astype(np.float32))[0]
    assert level_db.argmax() == band
    assert level_db[band] == pytest.approx(60.0, abs=1.5)


def test_silence_has_a_level() -> None:
    assert np.all(BandLevels(8000)(np.zeros((3, 256), np.float32)) == -10.0)


def flat(level_db: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.full((1, BANDS), level_db, np.float32)


def test_the_floor_falls_within_a_fifth_of_a_second_and_rises_2_db_a_second() -> None:
    floor = NoiseFloor(1)
    for _ in range(10):
        floor.follow(flat(0.0), ALL)
    assert np.all(floor.level_db < 1.0)
    start_db = floor.level_db.copy()
    for _ in range(50):
        floor.follow(flat(40.0), ALL)
    assert np.allclose(floor.level_db - start_db, 2.0, atol=0.05)


def test_a_reset_floor_is_as_new() -> None:
    floor = NoiseFloor(2)
    new_db = floor.level_db.copy()
    for _ in range(20):
        floor.follow(np.zeros((2, BANDS), np.float32), np.ones(2, np.bool_))
    floor.reset(1)
    assert np.array_equal(floor.level_db[1], new_db[1])
    assert not np.array_equal(floor.level_db[0], new_db[0])
