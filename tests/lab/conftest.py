"""Speech-like sound for the lab's tests: a buzzing pitch in syllables, with some breath."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from media_pod.duplex.vad.weights import load_weights

Pcm = NDArray[np.int16]
Talk = Callable[..., Pcm]

RATE_HZ = 8000


def make_talk(seconds: float, *, seed: int = 1, level_dbfs: float = -20.0) -> Pcm:
    """int16 [seconds * 8000] with an RMS of `level_dbfs`; syllables at 4 Hz, no long pause."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = rng.uniform(90, 200) * (1 + 0.05 * np.sin(2 * np.pi * 0.7 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    voice = sum(np.cos(k * phase + rng.uniform(0, 6)) / k for k in range(1, 15))
    sound = voice + 0.3 * rng.standard_normal(time_s.size)
    sound = sound * (0.25 + np.sin(2 * np.pi * 2 * time_s) ** 2)
    sound *= 32768 * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(sound**2))
    return np.asarray(np.clip(np.rint(sound), -32768, 32767), np.int16)


@pytest.fixture(scope="session", autouse=True)
def weights_are_read_once() -> Iterator[None]:
    """The images of pods have the exported weights; torch takes 0.25 s per bank to read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("media_pod.duplex.vad.silero.load_weights", cache(load_weights))
        yield


@pytest.fixture
def talk() -> Talk:
    return make_talk
