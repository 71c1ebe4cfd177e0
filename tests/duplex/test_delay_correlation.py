"""The whitened correlation, and the lags at which it is meaningful."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from duplex.signals import speechlike
from media_pod.duplex.delay.correlation import BLOCK, WINDOW, Correlator, block_energies, per_lag
from media_pod.duplex.features import BANDS, BandLevels

LAGS = 4040
NO_NOISE = np.full((1, BANDS), -100, np.float32)


def noise(seed: int, samples: int) -> NDArray[np.float32]:
    return 1000 * np.random.default_rng(seed).standard_normal((1, samples)).astype(np.float32)


@pytest.mark.parametrize("lag", [0, 1, 7, 500, LAGS - 1])
def test_a_delayed_copy_peaks_at_its_lag(lag: int) -> None:
    correlator = Correlator(LAGS)
    reference = noise(1, correlator.history)
    end = correlator.history - lag
    correlation = correlator(reference[:, end - WINDOW : end], reference, NO_NOISE)[0]
    assert correlation.shape == (LAGS,)
    assert correlation.argmax() == lag
    others = np.delete(correlation, slice(max(0, lag - 8), lag + 9))
    assert np.abs(others).max() < correlation[lag] / 3


def test_level_does_not_matter() -> None:
    correlator = Correlator(LAGS)
    heard, reference = noise(1, WINDOW), noise(2, correlator.history)
    louder, quieter = heard * np.float32(30), reference / np.float32(30)
    once, again = correlator(heard, reference, NO_NOISE), correlator(louder, quieter, NO_NOISE)
    assert np.allclose(once, again, atol=1e-4)


def test_silence_correlates_with_nothing() -> None:
    correlator = Correlator(LAGS)
    silence = np.zeros((1, WINDOW), np.float32)
    assert not correlator(silence, noise(1, correlator.history), NO_NOISE).any()


def test_a_voice_in_noise_stands_out_further_where_the_noise_is_known() -> None:
    rng = np.random.default_rng(5)
    correlator, levels = Correlator(LAGS), BandLevels(8000)
    hiss = noise(6, 16000)[0] / 5
    floor_db = np.quantile(levels(hiss[:15872].reshape(-1, levels.window)), 0.1, axis=0)
    lag, gains = 1200, []
    for _ in range(20):
        sent = speechlike(rng, 2.0).astype(np.float32)[-correlator.history :]
        at = int(rng.integers(hiss.size - WINDOW))
        heard = 0.1 * sent[-WINDOW - lag : -lag] + hiss[at : at + WINDOW]
        known, unknown = (
            correlator(heard[None], sent[None], floor)[0]
            for floor in (floor_db[None].astype(np.float32), NO_NOISE)
        )
        gains.append(known[lag] / known.std() / (unknown[lag] / unknown.std()))
    assert np.median(gains) > 1.1


@given(start=st.integers(0, LAGS), size=st.integers(800, 3000), lag=st.integers(0, LAGS - 1))
def test_a_lag_is_audible_where_the_reference_sounded_then(start: int, size: int, lag: int) -> None:
    correlator = Correlator(LAGS)
    reference = np.zeros((1, correlator.history), np.float32)
    reference[:, start : start + size] = 3000
    block = lag // BLOCK
    end = correlator.history - block * BLOCK
    power = float(np.mean(reference[0, end - WINDOW : end] ** 2))
    level_dbfs = 10 * np.log10(max(power, 1e-3)) - 20 * np.log10(32768)
    if abs(level_dbfs + 52) > 0.1:
        assert correlator.audible(reference)[0, block] == (level_dbfs > -52)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_blocks_flag_is_that_of_each_of_its_lags(flags: list[bool]) -> None:
    blocks = np.array([flags, flags[::-1]])
    assert np.array_equal(per_lag(blocks), np.repeat(blocks, BLOCK, axis=1))


def test_block_energies_are_sums_of_squares() -> None:
    samples = np.arange(32, dtype=np.float32).reshape(1, 32)
    expected = [sum(n * n for n in range(start, start + 8)) for start in (0, 8, 16, 24)]
    assert block_energies(samples)[0].tolist() == expected
