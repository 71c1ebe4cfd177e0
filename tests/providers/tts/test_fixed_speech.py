"""Fixed sentences: recorded, or synthesized once, and there when a voice fails."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from wave import open as open_wav

import numpy as np
import pytest

from call.doubles import RATE_HZ, Voice, settle, speech
from media_pod.errors import SetupError
from media_pod.manifest.conversation import RecordingSettings
from media_pod.providers.ports import ProviderError, Speech
from media_pod.providers.tts.fixed_speech import MAX_SECONDS, FixedSpeech

TEXT = "One moment, please."


def recording(folder: Path, seconds: float, text: str = TEXT) -> RecordingSettings:
    with open_wav(str(folder / "moment.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.full(round(seconds * RATE_HZ), 7, "<i2").tobytes())
    return RecordingSettings(text=text, play="moment.wav")


def test_a_recording_is_played_for_exactly_its_text(tmp_path: Path) -> None:
    fixed = FixedSpeech((), RATE_HZ)
    fixed.record([recording(tmp_path, 1.0)], tmp_path)

    (found,) = fixed.get(TEXT)

    assert found.text == TEXT
    assert found.pcm.size == RATE_HZ
    assert " ".join(word.text for word in found.words) == TEXT
    assert found.words[-1].end_sample == RATE_HZ
    assert fixed.get("One moment") == ()


def test_a_recording_that_is_too_long_is_refused_with_its_path(tmp_path: Path) -> None:
    settings = recording(tmp_path, MAX_SECONDS + 1)
    with pytest.raises(SetupError, match=r"moment\.wav: 61 s long, expected at most 60 s"):
        FixedSpeech((), RATE_HZ).record([settings], tmp_path)


def test_a_recording_that_is_missing_is_refused_with_its_path(tmp_path: Path) -> None:
    settings = RecordingSettings(text=TEXT, play="gone.wav")
    with pytest.raises(SetupError, match=r"gone\.wav: No such file"):
        FixedSpeech((), RATE_HZ).record([settings], tmp_path)


def test_only_fixed_sentences_are_kept() -> None:
    fixed = FixedSpeech([TEXT], RATE_HZ)
    fixed.keep(TEXT, [speech(TEXT)])
    fixed.keep("another", [speech("another")])
    assert [piece.text for piece in fixed.get(TEXT)] == [TEXT]
    assert fixed.get("another") == ()


def test_a_sentence_without_end_is_not_kept() -> None:
    fixed = FixedSpeech([TEXT], RATE_HZ)
    minute = Speech(TEXT, np.zeros(MAX_SECONDS * RATE_HZ, np.int16), ())
    fixed.keep(TEXT, [minute, speech("more")])
    assert fixed.get(TEXT) == ()
    fixed.keep(TEXT, [minute])
    assert fixed.get(TEXT) == (minute,)


async def test_a_sentence_is_prepared_once() -> None:
    voice, fixed = Voice(), FixedSpeech((), RATE_HZ)
    for _ in range(2):
        assert [piece.text for piece in await fixed.prepare(TEXT, [voice])] == [TEXT]
    assert voice.spoken == 1


class Wrong(Voice):
    """A voice that raises what it is given."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        if self.error is not None:
            raise self.error
        yield speech(text)


@pytest.mark.parametrize("error", [ProviderError("away"), RuntimeError("a bug")])
async def test_a_voice_that_fails_is_replaced_by_the_next(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    fixed = FixedSpeech((), RATE_HZ)
    assert await fixed.prepare(TEXT, [Wrong(error), Voice()])
    assert "not spoken by double" in caplog.text
    assert str(error) in caplog.text
    assert ("Traceback" in caplog.text) == isinstance(error, RuntimeError)


class Mute(Voice):
    """A voice without a sound."""

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        pieces: list[Speech] = []
        for piece in pieces:
            yield piece


async def test_when_no_voice_can_the_error_of_the_last_is_raised() -> None:
    with pytest.raises(ProviderError, match=r"^away$"):
        await FixedSpeech((), RATE_HZ).prepare(TEXT, [Mute(), Wrong(ProviderError("away"))])
    with pytest.raises(ProviderError, match=r"read no sound for 'One moment, please\.'"):
        await FixedSpeech((), RATE_HZ).prepare(TEXT, [Mute()])


async def test_preparing_that_is_cancelled_closes_the_voice() -> None:
    voice = Voice()
    voice.hanging = {TEXT}
    work = asyncio.create_task(FixedSpeech((), RATE_HZ).prepare(TEXT, [voice]))
    await settle()
    assert voice.open == 1
    work.cancel()
    await asyncio.wait([work])
    assert voice.open == 0
