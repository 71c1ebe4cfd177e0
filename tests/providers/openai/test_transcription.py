"""Speech recognition by a server that gets whole utterances."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from typing import Any

import numpy as np
import pytest

from media_pod.manifest.providers import OpenAiSttSettings
from media_pod.providers.openai import transcription
from media_pod.providers.openai.transcription import OpenAiStt, iso_639_1
from media_pod.providers.ports import FailureKind, Pcm, ProviderError
from providers.openai.scripted_server import API_KEY, Received, ScriptedServer, answer


@asynccontextmanager
async def started(
    url: str, rate_hz: int = 8000, deadline_s: float = 5.0, **settings: Any
) -> AsyncIterator[OpenAiStt]:
    fields = {"kind": "openai", "model": "whisper", "base_url": url} | settings
    stt = OpenAiStt(OpenAiSttSettings(**fields), API_KEY, rate_hz, "en-US", deadline_s)
    await stt.start()
    try:
        yield stt
    finally:
        await stt.aclose()


def fields_of(request: Received) -> dict[str, bytes]:
    """The parts of a form, by name."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    form = message_from_bytes(head + request.raw)
    fields = {}
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if name and isinstance(payload, bytes):
            fields[str(name)] = payload
    return fields


def tone(rate_hz: int, duration_s: float) -> Pcm:
    times = np.arange(int(rate_hz * duration_s)) / rate_hz
    pcm: Pcm = np.rint(8000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    return pcm


async def heard(stt: OpenAiStt, pcm: Pcm) -> str:
    utterance = stt.listen()
    for start in range(0, pcm.size, 160):
        utterance.feed(pcm[start : start + 160])
    assert utterance.partial == ""
    return await utterance.finish()


@pytest.mark.parametrize("rate_hz", [8000, 16000])
async def test_an_utterance_is_sent_as_wav_when_it_has_ended(
    server: ScriptedServer, rate_hz: int
) -> None:
    async with started(server.url, rate_hz) as stt:
        server.answers.append(answer({"text": " Where is my parcel? "}))
        assert await heard(stt, tone(rate_hz, 0.5)) == "Where is my parcel?"
        assert (stt.name, stt.model) == ("openai", "whisper")
    (request,) = server.posted
    assert request.path == "/v1/audio/transcriptions"
    assert b'filename="utterance.wav"' in request.raw
    fields = fields_of(request)
    file = fields.pop("file")
    assert fields == {"model": b"whisper", "response_format": b"json", "language": b"en"}
    with wave.open(io.BytesIO(file)) as sent:
        assert (sent.getframerate(), sent.getsampwidth(), sent.getnchannels()) == (16000, 2, 1)
        samples = np.frombuffer(sent.readframes(sent.getnframes()), "<i2")
    # The tone is what it was, at the new rate.
    assert abs(samples.size - 8000) < 10
    middle = samples[1000:7000].astype(float)
    expected = tone(16000, 0.5)[1000:7000].astype(float)
    assert np.corrcoef(middle, expected)[0, 1] > 0.999


async def test_nothing_is_sent_for_no_audio_or_after_a_discard(server: ScriptedServer) -> None:
    async with started(server.url) as stt:
        assert await stt.listen().finish() == ""
        utterance = stt.listen()
        utterance.feed(tone(8000, 0.1))
        utterance.discard()
        utterance.feed(tone(8000, 0.1))
        assert await utterance.finish() == ""
    assert not server.posted


async def test_audio_beyond_the_limit_is_dropped(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcription, "MAX_UTTERANCE_S", 1)
    async with started(server.url, 16000) as stt:
        server.answers.append(answer({"text": "long"}))
        await heard(stt, tone(16000, 2.0))
    with wave.open(io.BytesIO(fields_of(server.posted[0])["file"])) as sent:
        assert sent.getnframes() == 16000


async def test_the_language_of_the_settings_comes_first(server: ScriptedServer) -> None:
    async with started(server.url, language="de-AT") as stt:
        server.answers.append(answer({"text": ""}))
        assert await heard(stt, tone(8000, 0.1)) == ""
    assert fields_of(server.posted[0])["language"] == b"de"


@pytest.mark.parametrize(
    ("tag", "language"), [("en-US", "en"), ("DE", "de"), ("zh-Hant-TW", "zh"), ("yue-HK", None)]
)
def test_the_language_is_the_tags_first_part(tag: str, language: str | None) -> None:
    assert iso_639_1(tag) == language


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        ({"error": {"message": "Too short."}}, 400, FailureKind.BAD_REQUEST, "Too short."),
        ({"error": {"message": f"Wrong {API_KEY}"}}, 401, FailureKind.UNAUTHORIZED, "[API key]"),
        ("<html><title>Bad Gateway</title></html>", 502, FailureKind.SERVER_ERROR, "Bad Gateway"),
        ("<html>Sign in</html>", 200, FailureKind.BAD_ANSWER, "found '<html>Sign in"),
        ({"error": "no model"}, 200, FailureKind.BAD_ANSWER, "no model"),
        ({"text": None}, 200, FailureKind.BAD_ANSWER, "expected a JSON object with text"),
        ("{oops", 200, FailureKind.BAD_ANSWER, "expected JSON"),
    ],
)
async def test_what_is_no_text_is_an_error(
    server: ScriptedServer, body: object, status: int, kind: FailureKind, text: str
) -> None:
    async with started(server.url) as stt:
        server.fails(status, body)
        with pytest.raises(ProviderError) as raised:
            await heard(stt, tone(8000, 0.1))
    assert raised.value.kind is kind
    assert text in str(raised.value)


async def test_a_server_that_hangs_is_given_up(server: ScriptedServer) -> None:
    async with started(server.url, deadline_s=0.05) as stt:
        server.hangs()
        with pytest.raises(ProviderError, match=r"0\.05 s") as raised:
            await heard(stt, tone(8000, 0.5))
        await asyncio.wait_for(server.gone.wait(), 5)
    assert raised.value.kind is FailureKind.TIMEOUT


async def test_a_cancelled_utterance_ends_the_request(server: ScriptedServer) -> None:
    async with started(server.url) as stt:
        server.hangs()
        task = asyncio.create_task(heard(stt, tone(8000, 0.1)))
        await server.hanging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_check_sends_half_a_second_of_silence(server: ScriptedServer) -> None:
    async with started(server.url) as stt:
        server.answers.append(answer({"text": "you"}))
        found = await stt.check()
    assert found.endswith(f"at {server.url}: 0.5 s of silence became 'you'")
    with wave.open(io.BytesIO(fields_of(server.posted[0])["file"])) as sent:
        samples = np.frombuffer(sent.readframes(sent.getnframes()), "<i2")
    assert samples.size == 8000
    assert np.abs(samples).max() <= 1  # dither


async def test_check_says_why_a_server_is_not_reachable() -> None:
    async with started("http://127.0.0.1:1/v1") as stt:
        with pytest.raises(ProviderError, match="no connection") as raised:
            await stt.check()
    assert raised.value.kind is FailureKind.UNREACHABLE
