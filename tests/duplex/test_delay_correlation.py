"""The whitened correlation, and the lags at which it is meaningful."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_pod.duplex.delay.correlation import BLOCK, WINDOW, Correlator, block_energies, per_lag

LAGS = 4040


def noise(seed: int, samples: int) -> NDArray[np.float32]:
    return 1000 * np.random.default_rng(seed).standard_normal((1, samples)).astype(np.float32)


@pytest.mark.parametrize("lag", [0, 1, 7, 500, LAGS - 1])
def test_a_delayed_copy_peaks_at_its_lag(lag: int) -> None:
    correlator = Correlator(LAGS)
    reference = noise(1, correlator.history)
    end = correlator.history - lag
    correlation = correlator(reference[:, end - WINDOW : end], reference)[0]
    assert correlation.shape == (LAGS,)
    assert correlation.argmax() == lag
    others = np.delete(correlation, slice(max(0, lag - 8), lag + 9))
    assert np.abs(others).max() < correlation[lag] / 3


def test_level_does_not_matter() -> None:
    correlator = Correlator(LAGS)
    heard, reference = noise(1, WINDOW), noise(2, correlator.history)
    louder, quieter = heard * np.float32(30), reference / np.float32(30)
    assert np.allclose(correlator(heard, reference), correlator(louder, quieter), atol=1e-4)


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
