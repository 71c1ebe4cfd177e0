"""Fixtures of real speech models and servers, and what a test does with them.

A module that imports a fixture has it; `__all__` names those.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from media_pod.manifest.providers import PiperTtsSettings, WhisperSttSettings
from media_pod.providers.piper.tts import PiperTts
from media_pod.providers.ports import Pcm, Stt
from media_pod.providers.whisper.stt import WhisperStt
from rig.fixtures import program
from rig.voices import VOICE, voice_data, whisper_model
from voices.server_process import PORT, server_process

__all__ = ["piper", "voices", "whisper"]

RATE_HZ = 8000
WYOMING_URI = f"tcp://127.0.0.1:{PORT}"
DEADLINE_S = 60


@pytest.fixture(scope="session")
def voices() -> Path:
    """The environment with the servers, the voice and the model."""
    return program("voices")


@pytest.fixture(scope="session")
def piper(voices: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of wyoming-piper."""
    command = (
        str(voices / "bin" / "wyoming-piper"),
        *("--voice", VOICE, "--data-dir", str(voice_data(voices))),
        *("--uri", WYOMING_URI),
    )
    with server_process(command, tmp_path_factory.mktemp("piper") / "log") as address:
        yield address


@pytest.fixture(scope="session")
def whisper(voices: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of wyoming-faster-whisper."""
    folder = tmp_path_factory.mktemp("whisper")
    command = (
        str(voices / "bin" / "wyoming-faster-whisper"),
        *("--model", str(whisper_model(voices)), "--data-dir", str(folder), "--local-files-only"),
        *("--uri", WYOMING_URI),
    )
    with server_process(command, folder / "log") as address:
        yield address


def voice_path(voices: Path) -> Path:
    """The Piper voice's .onnx file."""
    return voice_data(voices) / f"{VOICE}.onnx"


def whisper_of(voices: Path, language: str = "en-US") -> WhisperStt:
    """The local Whisper."""
    settings = WhisperSttSettings(kind="whisper", model_path=str(whisper_model(voices)))
    return WhisperStt(settings, Path("/"), RATE_HZ, language, DEADLINE_S)


def piper_of(voices: Path) -> PiperTts:
    """The local Piper voice."""
    settings = PiperTtsSettings(kind="piper", voice_path=str(voice_path(voices)))
    return PiperTts(settings, Path("/"), RATE_HZ, "en-US", DEADLINE_S)


async def spoken(tts: PiperTts, text: str) -> Pcm:
    """`text` as int16 [samples] at `RATE_HZ`."""
    return np.concatenate([part.pcm async for part in tts.speak(text)])


async def heard(stt: Stt, pcm: Pcm) -> str:
    """The words of `pcm`, int16 [samples] at `RATE_HZ`."""
    utterance = stt.listen()
    for start in range(0, pcm.size, RATE_HZ // 50):
        utterance.feed(pcm[start : start + RATE_HZ // 50])
    return await utterance.finish()


def words_of(text: str) -> list[str]:
    """Words without case and punctuation, for comparison."""
    return re.findall(r"[a-z']+", text.lower().replace("10", "ten"))
