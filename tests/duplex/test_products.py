"""Rows of matrix products are the same bits in every batch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from media_pod.duplex.delay.correlation import Correlator
from media_pod.duplex.features import BANDS, BandLevels
from media_pod.duplex.ring import Audio
from media_pod.duplex.vad.silero import SileroNetwork

SIZES = [*range(1, 40), 63, 64, 65, 100, 127, 187]
ROWS = 200
PLACES = (0, 1, 5, 13)
KERNELS = {"Nehalem": "sse4_2", "Sandybridge": "avx", "Haswell": "avx2", "SkylakeX": "avx512f"}
"""Of OpenBLAS, each with what a processor must have for it."""


def can(feature: str) -> bool:
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and f" {feature} " in cpu.read_text()


def noise(seed: int, level: float, *shape: int) -> Audio:
    return (level * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_voice_windows_probability_does_not_depend_on_the_batch(rate_hz: int) -> None:
    network = SileroNetwork(rate_hz)
    samples = noise(1, 0.1, ROWS, network.context + network.window)
    state = noise(2, 0.1, ROWS, 256)
    speech, after = network(samples, state)
    for size in SIZES:
        for place in PLACES:
            some = slice(place, place + size)
            few, few_after = network(samples[some], state[some])
            assert np.array_equal(few, speech[some]), (size, place)
            assert np.array_equal(few_after, after[some]), (size, place)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_band_levels_do_not_depend_on_the_batch(rate_hz: int) -> None:
    levels = BandLevels(rate_hz)
    audio = noise(3, 1000, ROWS, levels.window)
    every = levels(audio)
    for size in SIZES:
        for place in PLACES:
            some = slice(place, place + size)
            assert np.array_equal(levels(audio[some]), every[some]), (size, place)


def test_a_correlation_does_not_depend_on_the_batch() -> None:
    correlator = Correlator(2000)
    heard, reference = noise(4, 1000, 40, 2048), noise(5, 300, 40, correlator.history)
    floor_db = noise(6, 10, 40, BANDS)
    every, audible = correlator(heard, reference, floor_db), correlator.audible(reference)
    for size in range(1, 40):
        some = correlator(heard[:size], reference[:size], floor_db[:size])
        assert np.array_equal(some, every[:size]), size
        assert np.array_equal(correlator.audible(reference[:size]), audible[:size]), size


@pytest.mark.parametrize("kernels", KERNELS)
def test_so_it_is_on_other_processors(kernels: str) -> None:
    """A pod runs where its node is: AVX-512 is not everywhere, and the kernels differ."""
    if not can(KERNELS[kernels]):
        pytest.skip(f"this processor cannot run the kernels for {kernels}")
    # Without plugins and conftest.py, which none of these needs: half of the time of each start.
    bare = ["-c", os.devnull, "--noconftest", "-p", "no:cacheprovider", "-W", "error"]
    command = [sys.executable, "-m", "pytest", *bare, "-q", "-k", "not_depend", __file__]
    environment = {
        **os.environ,
        "OPENBLAS_CORETYPE": kernels,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout
