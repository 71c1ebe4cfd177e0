"""Speech-like sound for the lab's tests: a buzzing pitch in syllables, with some breath."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.material import sounds
from interject_lab.material.material import EventKind, Material, Split
from interject_lab.material.voices import Voice
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


@cache
def small_material(split: Split) -> Material:
    """Two bots and two callers of `make_talk` at 8 kHz, and the made sounds: in milliseconds."""
    rng = np.random.default_rng(len(split))

    def voices(name: str, *seconds: float) -> tuple[Voice, ...]:
        return tuple(
            Voice(
                f"{name} {number}",
                tuple(make_talk(each, seed=int(rng.integers(1000))) for each in seconds),
            )
            for number in range(2)
        )

    kinds: tuple[EventKind, ...] = get_args(EventKind)
    hiss = rng.normal(0, 300, 3 * RATE_HZ).astype(np.int16)
    return Material(
        rate_hz=RATE_HZ,
        split=split,
        bots=voices("bot", 3.0, 2.5),
        callers=voices("caller", 1.0, 0.8, 2.0),
        backchannels=voices("yes", 0.25, 0.4),
        events={kind: (sounds.event(kind, rng, RATE_HZ),) for kind in kinds},
        backgrounds={"pink": (hiss,), "street": (hiss[::-1].copy(),)},
        impulse_responses=(),
    )


@pytest.fixture(scope="session", autouse=True)
def weights_are_read_once() -> Iterator[None]:
    """The images of pods have the exported weights; torch takes 0.25 s per bank to read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("media_pod.duplex.vad.silero.load_weights", cache(load_weights))
        yield


@pytest.fixture
def talk() -> Talk:
    return make_talk
