"""The pause detector."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.ports import Pcm
from media_pod.providers.whisper.pause import PAUSE_MS, PauseDetector

RATE_HZ = 8000


def noise(ms: int, rms: float) -> Pcm:
    samples = np.random.default_rng(1).normal(scale=rms, size=RATE_HZ * ms // 1000)
    return np.clip(samples, -32768, 32767).astype(np.int16)


def is_paused(*parts: Pcm) -> bool:
    detector = PauseDetector(RATE_HZ)
    for part in parts:
        detector.push(part)
    return detector.is_paused


@pytest.mark.parametrize("floor_rms", [0, 30, 100])
def test_a_caller_who_has_spoken_and_is_quiet_pauses(floor_rms: float) -> None:
    said = noise(500, 3000)
    assert not is_paused(said, noise(PAUSE_MS - 20, floor_rms))
    assert is_paused(said, noise(PAUSE_MS, floor_rms))
    assert not is_paused(said, noise(PAUSE_MS, floor_rms), noise(20, 3000))


def test_without_speech_there_is_no_pause() -> None:
    assert not is_paused(noise(1000, 0))
    assert not is_paused(noise(500, 50), noise(1000, 0))


def test_a_softer_voice_is_no_pause() -> None:
    assert not is_paused(noise(500, 3000), noise(1000, 400))


@given(st.lists(st.integers(0, 8000)))
def test_any_split_of_the_audio_gives_the_same(cuts: list[int]) -> None:
    audio = np.concatenate([noise(500, 3000), noise(500, 30)])
    assert is_paused(*np.split(audio, sorted(cuts)))
