from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from interject_lab.material.variants import SPEED, in_a_room, varied

Pcm = NDArray[np.int16]
Change = Callable[[Pcm, int, np.random.Generator], Pcm]

RATE_HZ = 8000


def tone(hz: float, seconds: float = 1.0) -> Pcm:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    made: Pcm = np.rint(5000 * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)
    return made


def peak_hz(pcm: Pcm) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(pcm.size)))
    return float(np.fft.rfftfreq(pcm.size, 1 / RATE_HZ)[np.argmax(spectrum)])


def rms_over_1_khz(pcm: Pcm) -> float:
    """Without the rumble that a hiss may be."""
    spectrum = np.fft.rfft(pcm)
    spectrum[np.fft.rfftfreq(pcm.size, 1 / RATE_HZ) < 1000] = 0
    return rms(np.fft.irfft(spectrum))


def rms(pcm: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), hz=st.floats(400, 2400))
def test_a_variant_moves_length_and_frequency_by_one_ratio(seed: int, hz: float) -> None:
    pcm = tone(hz)
    made = varied(pcm, RATE_HZ, np.random.default_rng(seed))
    speed = pcm.size / made.size
    assert SPEED[0] - 1e-3 <= speed <= SPEED[1] + 1e-3
    assert peak_hz(made) == pytest.approx(hz * speed, abs=4)
    assert rms(made) == pytest.approx(rms(pcm), rel=0.01)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_a_handset_passes_little_below_its_band(seed: int) -> None:
    both = tone(60) + tone(1000)
    made = varied(both, RATE_HZ, np.random.default_rng(seed))
    power = np.abs(np.fft.rfft(made * np.hanning(made.size))) ** 2
    below = np.fft.rfftfreq(made.size, 1 / RATE_HZ) < 90
    assert np.sum(power[below]) < 0.05 * np.sum(power)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_a_room_adds_a_tail_and_hiss_and_keeps_length_and_level(seed: int) -> None:
    burst = np.random.default_rng(7).normal(0, 5000, RATE_HZ // 2).astype(np.int16)
    pcm = np.concatenate([burst, np.zeros(RATE_HZ // 2, np.int16)])
    made = in_a_room(pcm, RATE_HZ, np.random.default_rng(seed))
    assert made.size == pcm.size
    assert rms(made) == pytest.approx(rms(pcm), rel=0.01)
    just_after, later = made[4000:4320], made[-800:]
    assert rms_over_1_khz(just_after) > 1.25 * rms_over_1_khz(later) > 0


@pytest.mark.parametrize("change", [varied, in_a_room])
def test_the_generator_alone_decides(change: Change) -> None:
    first, again, other = (change(tone(500), RATE_HZ, np.random.default_rng(n)) for n in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_silence_stays_silent() -> None:
    silence = np.zeros(4000, np.int16)
    assert not np.any(varied(silence, RATE_HZ, np.random.default_rng(1)))
    assert not np.any(in_a_room(silence, RATE_HZ, np.random.default_rng(1)))
