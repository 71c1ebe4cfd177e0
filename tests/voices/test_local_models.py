"""Whisper and a Piper voice with their real models, which hear and speak over a telephone line."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from media_pod.errors import SetupError
from media_pod.manifest.providers import WhisperSttSettings
from media_pod.providers.piper.tts import PiperTts
from media_pod.providers.ports import Pcm
from media_pod.providers.whisper.stt import WhisperStt
from providers.telephone_line import edits, over_the_line
from rig.voices import whisper_model
from voices.real_speech import (
    DEADLINE_S,
    RATE_HZ,
    heard,
    piper_of,
    spoken,
    whisper_of,
    words_of,
)

SENTENCES = (
    "Yes.",
    "No, that is wrong.",
    "I want to change my address.",
    "Where is my parcel?",
    "Please call me back tomorrow at ten.",
    "Could I speak to somebody about my last invoice, please?",
    "I have been waiting for two weeks and nobody has answered my letter.",
    "The driver left the package with a neighbor, but she does not have it.",
    "What are your opening hours on Saturday?",
    "Thank you very much, that is all.",
)


@pytest_asyncio.fixture
async def stt(voices: Path) -> AsyncIterator[WhisperStt]:
    made = whisper_of(voices)
    yield made
    await made.aclose()


@pytest_asyncio.fixture
async def tts(voices: Path) -> AsyncIterator[PiperTts]:
    made = piper_of(voices)
    yield made
    await made.aclose()


async def test_what_the_voice_says_is_understood_over_the_telephone(
    stt: WhisperStt, tts: PiperTts
) -> None:
    wrong = total = 0
    for sentence in SENTENCES:
        speech = await spoken(tts, sentence)
        wrong += edits(words_of(await heard(stt, over_the_line(speech))), words_of(sentence))
        total += len(words_of(sentence))
    # Measured: none in 111 words. The voice speaks each time a little differently.
    assert wrong <= 0.08 * total, f"{wrong} errors in {total} words"


async def test_a_caller_who_hears_the_first_words_is_said_to_have_heard_these(
    stt: WhisperStt, tts: PiperTts
) -> None:
    text = "I have been waiting for two weeks and nobody has answered."
    (speech,) = [part async for part in tts.speak(text)]
    assert " ".join(word.text for word in speech.words) == speech.text
    for count in (4, 7, 9):
        end = speech.words[count - 1].end_sample
        found = await heard(stt, over_the_line(speech.pcm[:end]))
        assert edits(words_of(found), words_of(text)[:count]) <= 1, (count, found)


async def test_sounds_that_are_no_speech_are_no_words(stt: WhisperStt) -> None:
    rng = np.random.default_rng(2)
    times = np.arange(4 * RATE_HZ) / RATE_HZ

    def tone(*frequencies_hz: float) -> Pcm:
        waves = sum(2000 * np.sin(2 * np.pi * hz * times) for hz in frequencies_hz)
        return np.asarray(waves, np.float64).astype(np.int16)

    sounds = {
        "ringing": (tone(440, 480) * (times % 2 < 1)).astype(np.int16),
        "dial tone": tone(350, 440),
        "a siren": (3000 * np.sin(np.cumsum(0.5 + 0.25 * np.sin(3 * times)))).astype(np.int16),
        "hum": tone(50, 150),
        **{
            f"noise of RMS {rms}": rng.normal(scale=rms, size=times.size).astype(np.int16)
            for rms in (10, 100, 1000, 3000)
        },
        "coughs": (rng.normal(scale=4000, size=times.size) * np.exp(-20 * (times % 1))).astype(
            np.int16
        ),
    }
    found = {name: await heard(stt, over_the_line(sound)) for name, sound in sounds.items()}
    assert found == dict.fromkeys(sounds, "")


async def test_a_long_vowel_is_no_endless_text(stt: WhisperStt, tts: PiperTts) -> None:
    speech = await spoken(tts, "Aah.")
    vowel = np.tile(speech[800:2400], 25)
    assert len(await heard(stt, over_the_line(vowel))) < 100


async def test_check_says_what_was_found(stt: WhisperStt, tts: PiperTts) -> None:
    assert (await stt.check()).endswith("heard nothing in 0.5 s of silence")
    assert re.search(r"en_US-joe-medium\.onnx spoke 0\.\d s$", await tts.check())


async def test_a_language_that_the_model_does_not_know_is_a_set_up_error(voices: Path) -> None:
    stt = whisper_of(voices, "de-DE")
    with pytest.raises(SetupError, match="does not know the language 'de', only en"):
        await stt.start()
    await stt.aclose()


async def test_a_file_that_is_no_model_is_a_set_up_error(voices: Path, tmp_path: Path) -> None:
    model = whisper_model(voices)
    for file in model.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "model.bin").unlink()
    (tmp_path / "model.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    settings = WhisperSttSettings(kind="whisper", model_path=str(tmp_path))
    stt = WhisperStt(settings, Path("/"), RATE_HZ, "en", DEADLINE_S)
    with pytest.raises(SetupError, match="expected a Whisper model converted to CTranslate2"):
        await stt.start()
    await stt.aclose()
