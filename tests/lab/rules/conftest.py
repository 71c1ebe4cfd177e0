"""Calls for the rules, and stand-ins of detectors and foreign packages."""

import sys
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.network.levels import active_level_dbfs, speech_bounds
from media_pod.duplex.contract import Decision, DuplexBank, Pcm
from media_pod.providers.builtin.espeak import synthesize

RATE_HZ = 8000
TICK = 160
SILENCE_S = 1.0


def say(text: str, voice: str, level_dbfs: float) -> Pcm:
    """int16 [samples] of espeak-ng at `level_dbfs` (active level)."""
    pcm = np.concatenate([part.pcm for part in synthesize(text, RATE_HZ, voice)])
    gain = 10 ** ((level_dbfs - active_level_dbfs(pcm, RATE_HZ)) / 20)
    start, end = speech_bounds(pcm, RATE_HZ)
    return np.rint(pcm[start:end] * gain).astype(np.int16)


def on_line(sound: NDArray[np.float64] | Pcm, seed: int = 1) -> Pcm:
    """`sound` with line noise of -64 dBFS, cut to whole ticks."""
    noisy = sound + np.random.default_rng(seed).normal(0, 20, sound.size)
    whole = sound.size // TICK * TICK
    return np.clip(np.rint(noisy), -32768, 32767).astype(np.int16)[:whole]


def decisions(bank: DuplexBank, caller: Pcm, played: Pcm | None = None, slot: int = 0) -> list[int]:
    """The decisions of `slot` on one call, the other slots in silence."""
    played = np.zeros_like(caller) if played is None else played
    frames = np.zeros((2, bank.slots, TICK), np.int16)
    found = []
    for start in range(0, caller.size, TICK):
        frames[0, slot] = caller[start : start + TICK]
        frames[1, slot] = played[start : start + TICK]
        found.append(int(bank.step(frames[0], frames[1]).decision[slot]))
    return found


def rises_ms(found: list[int]) -> list[int]:
    """When the decision became CALLER: the ends of these ticks."""
    caller = np.array([0, *(decision == Decision.CALLER for decision in found)], np.int8)
    return [int(tick + 1) * 20 for tick in np.flatnonzero(np.diff(caller) == 1)]


class LoudFrames:
    """Stands in for `webrtcvad.Vad`: a frame is voiced if it is loud."""

    def __init__(self, aggressiveness: int) -> None:
        self._least = 100 * (aggressiveness + 1)

    def is_speech(self, frame: bytes, rate_hz: int) -> bool:
        return bool(np.abs(np.frombuffer(frame, np.int16).astype(np.int32)).mean() > self._least)


class LoudHops:
    """Stands in for `ten_vad.TenVad`."""

    def __init__(self, hop: int, threshold: float) -> None:
        self._hop = hop

    def process(self, hop: Pcm) -> tuple[float, int]:
        assert hop.shape == (self._hop,) and hop.dtype == np.int16
        loud = float(np.abs(hop.astype(np.int32)).mean() > 200)
        return loud, int(loud)


class Subtraction:
    """Stands in for `pywebrtc_audio.AudioProcessor`: right for an echo without delay and loss."""

    def __init__(self, sample_rate: int, echo_cancellation: bool) -> None:
        assert echo_cancellation

    def process(self, near: Pcm, far: Pcm) -> Pcm:
        return near - far


@pytest.fixture
def foreign_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins in the place of the packages of the extra `peers`, which need not be installed."""
    for name, attribute, stand_in in (
        ("webrtcvad", "Vad", LoudFrames),
        ("ten_vad", "TenVad", LoudHops),
        ("pywebrtc_audio", "AudioProcessor", Subtraction),
    ):
        module = ModuleType(name)
        setattr(module, attribute, stand_in)
        module.__spec__ = __spec__
        monkeypatch.setitem(sys.modules, name, module)
