"""A voice of a server that streams PCM."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import numpy as np
import pytest

from media_pod.manifest.providers import OpenAiTtsSettings
from media_pod.providers.openai.speech import OpenAiTts
from media_pod.providers.ports import FailureKind, Pcm, ProviderError, Speech
from providers.openai.scripted_server import API_KEY, ScriptedServer, Step

PCM = "audio/pcm"


@asynccontextmanager
async def started(
    url: str, rate_hz: int = 8000, deadline_s: float = 5.0, **settings: Any
) -> AsyncIterator[OpenAiTts]:
    fields = {"kind": "openai", "model": "tts", "voice": "alloy", "base_url": url} | settings
    tts = OpenAiTts(OpenAiTtsSettings(**fields), API_KEY, rate_hz, "en-US", deadline_s)
    await tts.start()
    try:
        yield tts
    finally:
        await tts.aclose()


def tone(duration_s: float, rate_hz: int = 24_000) -> bytes:
    times = np.arange(int(rate_hz * duration_s)) / rate_hz
    pcm: Pcm = np.rint(6000 * np.sin(2 * np.pi * 300 * times)).astype("<i2")
    return pcm.tobytes()


async def spoken(tts: OpenAiTts, text: str) -> list[Speech]:
    return [part async for part in tts.speak(text)]


def duration_s(parts: list[Speech], rate_hz: int = 8000) -> float:
    return sum(part.pcm.size for part in parts) / rate_hz


async def test_each_sentence_is_a_request_and_becomes_speech(server: ScriptedServer) -> None:
    async with started(server.url, speed=1.25) as tts:
        server.streams(tone(0.5), content_type=PCM)
        server.streams(tone(0.75), content_type=PCM)
        parts = await spoken(tts, "Good morning. Your parcel is on its way!")
        assert (tts.name, tts.model) == ("openai", "tts")
    assert [part.text for part in parts if not part.continues] == [
        "Good morning.",
        "Your parcel is on its way!",
    ]
    assert duration_s(parts) == pytest.approx(1.25, abs=0.01)
    last = parts[-1]
    assert " ".join(word.text for word in last.words) == "Your parcel is on its way!"
    assert [request.body for request in server.posted] == [
        {
            "model": "tts",
            "voice": "alloy",
            "input": text,
            "response_format": "pcm",
            "speed": 1.25,
        }
        for text in ("Good morning.", "Your parcel is on its way!")
    ]
    assert len({request.connection for request in server.received}) == 1


async def test_the_usual_speed_is_not_sent(server: ScriptedServer) -> None:
    async with started(server.url) as tts:
        server.streams(tone(0.3), content_type=PCM)
        await spoken(tts, "Hello.")
    assert "speed" not in server.posted[0].body


async def test_speech_comes_while_the_server_still_sends(server: ScriptedServer) -> None:
    async with started(server.url) as tts:
        server.streams(tone(1.0), Step.HANG, content_type=PCM)
        async with aclosing(tts.speak("Hello there.")) as speech:
            first = await anext(speech)
            assert first.text == "Hello there."
            assert first.pcm.any()
            await server.hanging.wait()
        # A barge-in: the rest is not made.
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_the_next_sentence_is_asked_for_when_the_one_before_has_come(
    server: ScriptedServer,
) -> None:
    async with started(server.url) as tts:
        server.streams(tone(0.5), content_type=PCM)
        server.streams(tone(0.5), content_type=PCM)
        async with aclosing(tts.speak("One thing. Another thing.")) as speech:
            await anext(speech)
            assert len(server.posted) == 1


@pytest.mark.parametrize("rate_hz", [8000, 16000])
async def test_the_servers_sample_rate_is_a_setting(server: ScriptedServer, rate_hz: int) -> None:
    async with started(server.url, rate_hz, source_rate_hz=22_050) as tts:
        server.streams(tone(1.0, 22_050), content_type=PCM)
        parts = await spoken(tts, "Hello.")
    assert duration_s(parts, rate_hz) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("sizes", [[1], [4801, 3], [70_001]])
async def test_pieces_of_any_size_give_the_same_sound(
    server: ScriptedServer, sizes: list[int]
) -> None:
    sound = tone(0.05 if sizes == [1] else 2.0)
    pieces: list[bytes | Step] = []
    start = 0
    while start < len(sound):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(sound[start : start + size])
        start += size
    async with started(server.url) as tts:
        server.streams(sound, content_type=PCM)
        server.streams(*pieces, content_type=PCM)
        whole = np.concatenate([part.pcm for part in await spoken(tts, "Hello.")])
    async with started(server.url) as tts:
        split = np.concatenate([part.pcm for part in await spoken(tts, "Hello.")])
    assert np.array_equal(whole, split)


async def test_nothing_to_say_is_no_request(server: ScriptedServer) -> None:
    async with started(server.url) as tts:
        assert await spoken(tts, " ... ") == []
    assert not server.posted


@pytest.mark.parametrize(
    ("steps", "content_type", "kind", "text"),
    [
        ([], PCM, FailureKind.BAD_ANSWER, "no sound for the text 'Hello.'"),
        ([bytes(48_000)], PCM, FailureKind.BAD_ANSWER, "no sound for the text 'Hello.'"),
        ([b'{"error": "no voice"}'], "application/json", FailureKind.BAD_ANSWER, "no voice"),
        ([b"<html>"], "text/html", FailureKind.BAD_ANSWER, "expected PCM: <html>"),
        ([b"ID3"], "audio/mpeg", FailureKind.BAD_ANSWER, "audio of the type 'audio/mpeg'"),
        ([tone(1.0), Step.RESET], PCM, FailureKind.CUT, "lost in the middle"),
    ],
)
async def test_an_answer_without_speech_is_an_error(
    server: ScriptedServer,
    steps: list[bytes | Step],
    content_type: str,
    kind: FailureKind,
    text: str,
) -> None:
    async with started(server.url) as tts:
        server.streams(*steps, content_type=content_type)
        with pytest.raises(ProviderError) as raised:
            await spoken(tts, "Hello.")
    assert raised.value.kind is kind
    assert text in str(raised.value)
    assert "model 'tts', voice 'alloy'" in str(raised.value)


async def test_errors_of_the_server_are_told_apart(server: ScriptedServer) -> None:
    async with started(server.url) as tts:
        server.fails(401, {"error": {"message": f"Wrong key {API_KEY}"}})
        server.fails(429, {"error": {"code": "insufficient_quota"}})
        kinds = []
        for _ in range(2):
            with pytest.raises(ProviderError) as raised:
                await spoken(tts, "Hello.")
            kinds.append(raised.value.kind)
            assert API_KEY not in str(raised.value)
    assert kinds == [FailureKind.UNAUTHORIZED, FailureKind.QUOTA_EXCEEDED]


@pytest.mark.parametrize("begun", [False, True])
async def test_a_server_that_hangs_is_given_up(server: ScriptedServer, begun: bool) -> None:
    async with started(server.url, deadline_s=0.05) as tts:
        if begun:
            server.streams(tone(1.0), Step.HANG, content_type=PCM)
        else:
            server.hangs()
        with pytest.raises(ProviderError, match=r"the server sent nothing for 0\.05 s") as raised:
            await spoken(tts, "Hello.")
        await asyncio.wait_for(server.gone.wait(), 5)
    assert raised.value.kind is FailureKind.TIMEOUT


async def test_a_cancelled_turn_ends_the_work_at_the_server(server: ScriptedServer) -> None:
    async with started(server.url) as tts:
        server.streams(tone(1.0), Step.HANG, content_type=PCM)
        task = asyncio.create_task(spoken(tts, "Hello."))
        await server.hanging.wait()
        server.listed.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)
        await asyncio.wait_for(server.listed.wait(), 5)


async def test_check_says_one_word(server: ScriptedServer) -> None:
    async with started(server.url) as tts:
        server.streams(tone(0.5), content_type=PCM)
        found = await tts.check()
    assert found.endswith(f"at {server.url}: 'Hello.' became 0.5 s of speech")
