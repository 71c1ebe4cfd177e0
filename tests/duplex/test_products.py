"""Rows of matrix products are the same bits in every batch."""

import numpy as np
import pytest

from media_pod.duplex.delay.correlation import Correlator
from media_pod.duplex.features import BandLevels
from media_pod.duplex.ring import Audio
from media_pod.duplex.vad.silero import SileroNetwork

SIZES = [*range(1, 40), 63, 64, 65, 100, 127, 199]
ROWS = 200


def noise(seed: int, level: float, *shape: int) -> Audio:
    return (level * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_voice_windows_probability_does_not_depend_on_the_batch(rate_hz: int) -> None:
    network = SileroNetwork(rate_hz)
    samples = noise(1, 0.1, ROWS, network.context + network.window)
    state = noise(2, 0.1, ROWS, 256)
    speech, after = network(samples, state)
    for size in SIZES:
        few, few_after = network(samples[:size], state[:size])
        assert np.array_equal(few, speech[:size]), size
        assert np.array_equal(few_after, after[:size]), size


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_band_levels_do_not_depend_on_the_batch(rate_hz: int) -> None:
    levels = BandLevels(rate_hz)
    audio = noise(3, 1000, ROWS, levels.window)
    every = levels(audio)
    for size in SIZES:
        assert np.array_equal(levels(audio[:size]), every[:size]), size


def test_a_correlation_does_not_depend_on_the_batch() -> None:
    correlator = Correlator(2000)
    heard, reference = noise(4, 1000, 40, 2048), noise(5, 300, 40, correlator.history)
    every, audible = correlator(heard, reference), correlator.audible(reference)
    for size in range(1, 40):
        assert np.array_equal(correlator(heard[:size], reference[:size]), every[:size]), size
        assert np.array_equal(correlator.audible(reference[:size]), audible[:size]), size
