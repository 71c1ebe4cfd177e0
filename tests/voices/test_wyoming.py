"""The Wyoming providers with real servers: Piper speaks, Whisper listens."""

import re
from contextlib import aclosing

import numpy as np
import pytest

from media_pod.manifest.providers import WyomingSttSettings, WyomingTtsSettings
from media_pod.providers.ports import FailureKind, ProviderError, Speech
from media_pod.providers.tts.level import active_frames, frame_power
from media_pod.providers.wyoming.stt import WyomingStt
from media_pod.providers.wyoming.tts import WyomingTts
from rig.voices import VOICE

RATE_HZ = 8000
DEADLINE_S = 30.0
TEXT = "If nobody opens the door, the driver leaves a card. The depot keeps your parcel."
TICK = RATE_HZ // 50


def speaker(address: str, voice: str | None = VOICE) -> WyomingTts:
    settings = WyomingTtsSettings(kind="wyoming", address=address, voice=voice)
    return WyomingTts(settings, RATE_HZ, "en-US", DEADLINE_S)


def listener(address: str) -> WyomingStt:
    settings = WyomingSttSettings(kind="wyoming", address=address)
    return WyomingStt(settings, RATE_HZ, "en-US", DEADLINE_S)


async def spoken(tts: WyomingTts, text: str = TEXT) -> list[Speech]:
    return [part async for part in tts.speak(text)]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


async def test_whisper_understands_over_the_telephone_what_piper_says(
    piper: str, whisper: str
) -> None:
    tts, stt = speaker(piper), listener(whisper)
    await stt.start()
    pcm = np.concatenate([part.pcm for part in await spoken(tts)])
    # Two in a row: Whisper's server closes the connection after each.
    for _ in range(2):
        utterance = stt.listen()
        for start in range(0, pcm.size, TICK):
            utterance.feed(pcm[start : start + TICK])
        heard = words(await utterance.finish())
        wrong = set(words(TEXT)) ^ set(heard)
        assert len(wrong) <= 4, heard
    await stt.aclose()
    await tts.aclose()


async def test_piper_has_the_level_of_all_voices_from_its_first_clause(piper: str) -> None:
    tts = speaker(piper)
    for part in (await spoken(tts, "Good morning."), await spoken(tts)):
        pcm = np.concatenate([each.pcm for each in part]).astype(np.float32)
        level = 10 * np.log10(active_frames(frame_power(pcm, RATE_HZ)).mean() / 32768**2)
        assert level == pytest.approx(-20, abs=3)
    await tts.aclose()


async def test_the_checks_name_what_they_found(piper: str, whisper: str) -> None:
    tts, stt = speaker(piper), listener(whisper)
    assert re.search(rf"piper, voice {VOICE}; 'Hello.' became [01]\.\d s", await tts.check())
    assert "faster-whisper, model of the server, en;" in await stt.check()
    await tts.aclose()
    await stt.aclose()


async def test_an_unknown_voice_is_told_by_the_check_and_by_the_first_answer(piper: str) -> None:
    tts = speaker(piper, "en_US-jo-medium")
    with pytest.raises(ProviderError, match=f"nearest of .*{VOICE}"):
        await tts.check()
    with pytest.raises(ProviderError, match="VoiceNotFoundError") as caught:
        await spoken(tts)
    assert caught.value.kind is FailureKind.NOT_FOUND
    await tts.aclose()


async def test_a_turn_after_an_interrupted_one_is_whole(piper: str) -> None:
    tts = speaker(piper)
    async with aclosing(tts.speak(TEXT)) as speech:
        assert (await anext(speech)).text
    parts = await spoken(tts)
    assert " ".join(part.text for part in parts if part.text) == TEXT
    await tts.aclose()
