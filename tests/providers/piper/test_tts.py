"""A Piper voice as a provider, with a voice of 1 kB in a real process."""

import importlib.util
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from media_pod.errors import SetupError
from media_pod.manifest.providers import PiperTtsSettings
from media_pod.providers.piper.tts import PiperTts
from media_pod.providers.ports import FailureKind, ProviderError, Speech
from providers.piper.tiny_voice import write_voice

RATE_HZ = 8000
DEADLINE_S = 20


def piper(folder: Path, speed: float = 1.0, deadline_s: float = DEADLINE_S) -> PiperTts:
    settings = PiperTtsSettings(kind="piper", voice_path="tiny.onnx", speed=speed)
    return PiperTts(settings, folder, RATE_HZ, "en-US", deadline_s)


@pytest_asyncio.fixture
async def tts(tmp_path: Path) -> AsyncIterator[PiperTts]:
    write_voice(tmp_path)
    made = piper(tmp_path)
    yield made
    await made.aclose()


async def spoken(tts: PiperTts, text: str) -> list[Speech]:
    return [speech async for speech in tts.speak(text)]


def frames(*parts: int) -> int:
    """Samples of so many frames of the voice."""
    return sum(parts) * RATE_HZ // 100


async def test_a_text_is_spoken_sentence_by_sentence_with_the_times_of_its_words(
    tts: PiperTts,
) -> None:
    first, second = await spoken(tts, "Yes, no. Then hello!")
    assert (first.text, second.text) == ("Yes, no.", "Then hello!")
    yes, no = first.words
    # jˈɛs, nˈoʊ. : a begin of 2, pads of 1, marks of 5 frames.
    assert [yes.text, no.text] == ["Yes,", "no."]
    assert yes.start_sample == pytest.approx(frames(2, 1), abs=2)
    assert no.start_sample - yes.end_sample >= frames(5, 1)
    assert first.pcm.size - no.end_sample == pytest.approx(frames(5, 1, 3), abs=2)
    assert not first.continues


async def test_speech_has_the_level_of_all_voices(tts: PiperTts) -> None:
    (speech,) = await spoken(tts, "Hello.")
    rms = np.sqrt(np.square(speech.pcm.astype(np.float64)).mean())
    assert 20 * np.log10(rms / 32768) == pytest.approx(-20, abs=0.5)


async def test_speed_shortens_the_audio_and_the_words(tmp_path: Path, tts: PiperTts) -> None:
    fast = piper(tmp_path, speed=2)
    (slow_speech,), (fast_speech,) = await spoken(tts, "Hello."), await spoken(fast, "Hello.")
    await fast.aclose()
    assert fast_speech.pcm.size < 0.6 * slow_speech.pcm.size
    assert fast_speech.words[0].end_sample <= fast_speech.pcm.size


async def test_a_voice_without_durations_has_estimated_times(tmp_path: Path) -> None:
    write_voice(tmp_path, durations="durations")
    tts = piper(tmp_path)
    (speech,) = await spoken(tts, "Hello there.")
    await tts.aclose()
    hello, there = speech.words
    assert 0 <= hello.start_sample < hello.end_sample <= there.start_sample
    assert there.end_sample == pytest.approx(speech.pcm.size, abs=frames(1))


@pytest.mark.parametrize("text", ["a\x00b", "<b>bold</b> [[a]]", "日本 ok", "🎉 yes", "½"])
async def test_any_text_is_spoken_without_harm(tts: PiperTts, text: str) -> None:
    assert all(speech.pcm.size for speech in await spoken(tts, text))


async def test_nothing_to_say_costs_no_process(tts: PiperTts) -> None:
    assert await spoken(tts, "... -- !") == []
    assert tts.worker_pids == []


async def test_closing_the_iterator_leaves_the_process_to_the_next(tts: PiperTts) -> None:
    await tts.start()
    pids = tts.worker_pids
    async with aclosing(tts.speak("One. Two. Three.")) as parts:
        assert (await anext(parts)).text == "One."
    assert [speech.text for speech in await spoken(tts, "Four.")] == ["Four."]
    assert tts.worker_pids == pids


async def test_a_voice_that_makes_no_sound_is_an_error(tmp_path: Path) -> None:
    # All phonemes last no time.
    ids = {sign: [0] for sign in "_^$həlˈoʊ."}
    write_voice(tmp_path, phoneme_id_map=ids)
    tts = piper(tmp_path)
    with pytest.raises(ProviderError, match=r"piper: no sound for 'Hello\.'") as raised:
        await tts.check()
    await tts.aclose()
    assert raised.value.kind is FailureKind.BAD_ANSWER


async def test_check_tells_what_was_spoken(tts: PiperTts, tmp_path: Path) -> None:
    assert (tts.name, tts.model) == ("piper", "tiny")
    assert (await tts.check()).startswith(f"piper: {tmp_path / 'tiny.onnx'} spoke 0.")


async def test_a_missed_deadline_names_the_clause(tmp_path: Path) -> None:
    write_voice(tmp_path)
    tts = piper(tmp_path, deadline_s=0)
    with pytest.raises(ProviderError, match=r"piper: no answer within 0 s to 'Hello\.'"):
        await spoken(tts, "Hello.")
    await tts.aclose()


async def test_a_missing_voice_and_an_unknown_language_are_set_up_errors(tmp_path: Path) -> None:
    tts = piper(tmp_path)
    with pytest.raises(SetupError, match=r"tiny\.onnx: no such file"):
        await tts.start()
    write_voice(tmp_path, espeak={"voice": "tlh"})
    with pytest.raises(SetupError, match=r"tiny\.onnx\.json: espeak has no voice 'tlh'"):
        await tts.start()
    await tts.aclose()


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"onnxruntime: pip install 'interject\[piper\]'"):
        piper(tmp_path)
