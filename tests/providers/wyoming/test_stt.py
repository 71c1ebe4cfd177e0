"""Recognition by a Wyoming server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from wyoming.event import Event

from media_pod.manifest.providers import WyomingSttSettings
from media_pod.providers.ports import FailureKind, Pcm, ProviderError
from media_pod.providers.wyoming.stt import MAX_UTTERANCE_S, WyomingStt
from providers.wyoming.faulty_server import LINE_HZ, FaultyServer, Peer, Script

TICK = 160
SPEECH: Pcm = np.arange(-4000, 4000, dtype=np.int16)


@asynccontextmanager
async def recognizer(
    script: Script, deadline_s: float = 10, model: str | None = None
) -> AsyncIterator[tuple[WyomingStt, FaultyServer]]:
    async with FaultyServer(script).running() as server:
        settings = WyomingSttSettings(kind="wyoming", address=server.address, model=model)
        stt = WyomingStt(settings, LINE_HZ, "en-US", deadline_s)
        yield stt, server
        await stt.aclose()
        await server.has(0)


def audio_of(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")


async def whisper(peer: Peer) -> None:
    """As wyoming-faster-whisper: one answer after the end, with blanks; then it closes."""
    if (await peer.read()).type == "describe":
        models = [{"name": "tiny.en", "languages": ["en"]}]
        await peer.write("info", asr=[{"name": "whisper", "models": models}])
        return
    events = await peer.read_until("audio-stop")
    await peer.write("transcript", text=f" {len(audio_of(events)) // 2}  samples ")


async def test_the_server_hears_the_caller_while_they_speak() -> None:
    heard: asyncio.Queue[Event] = asyncio.Queue()

    async def script(peer: Peer) -> None:
        while True:
            event = await peer.read()
            heard.put_nowait(event)
            if event.type == "audio-stop":
                await peer.write("transcript", text=" yes ")
                return

    async with recognizer(script, model="tiny.en") as (stt, _):
        utterance = stt.listen()
        assert await heard.get() == Event("transcribe", {"name": "tiny.en", "language": "en-US"})
        form = {"rate": 8000, "width": 2, "channels": 1}
        assert await heard.get() == Event("audio-start", form)
        for start in range(0, 1600, TICK):
            utterance.feed(SPEECH[start : start + TICK])
        first = await heard.get()
        assert first.data == form
        assert first.payload == SPEECH[:1600].astype("<i2").tobytes()
        utterance.feed(SPEECH[1600:1700])
        assert await utterance.finish() == "yes"
        last = await heard.get()
        assert last.payload == SPEECH[1600:1700].astype("<i2").tobytes()
        assert await heard.get() == Event("audio-stop")


async def test_each_utterance_has_a_connection_and_the_next_is_open_ahead() -> None:
    async with recognizer(whisper) as (stt, server):
        for count in (1, 2, 3):
            utterance = stt.listen()
            utterance.feed(SPEECH[:count])
            assert await utterance.finish() == f"{count} samples"
            await server.has(1)
        assert server.connections == 4


async def test_words_that_a_server_streams_are_partials() -> None:
    more: asyncio.Queue[str] = asyncio.Queue()

    async def script(peer: Peer) -> None:
        await peer.read_until("audio-start")
        await peer.write("transcript-start", language="en")
        while text := await more.get():
            await peer.write("transcript-chunk", text=text)
        await peer.read_until("audio-stop")
        await peer.write("transcript-stop")
        await peer.write("transcript", text="I am here.")

    async with recognizer(script) as (stt, _):
        utterance = stt.listen()
        assert utterance.partial == ""
        for text, words in ((" I", "I"), (" am", "I am"), ("  her", "I am her")):
            more.put_nowait(text)
            while utterance.partial != words:
                await asyncio.sleep(0)
        more.put_nowait("")
        assert await utterance.finish() == "I am here."


async def test_an_answer_before_the_end_of_the_audio_is_kept() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_until("audio-chunk")
        await peer.write("transcript", text="stop")

    async with recognizer(script) as (stt, _):
        utterance = stt.listen()
        utterance.feed(SPEECH)
        while not utterance.task.done():
            await asyncio.sleep(0)
        utterance.feed(SPEECH)
        assert await utterance.finish() == "stop"


async def test_audio_beyond_a_minute_is_dropped() -> None:
    async with recognizer(whisper) as (stt, _):
        utterance = stt.listen()
        for _ in range(MAX_UTTERANCE_S + 5):
            utterance.feed(SPEECH)
        assert await utterance.finish() == f"{MAX_UTTERANCE_S * LINE_HZ} samples"


async def test_audio_is_copied() -> None:
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        heard.append(audio_of(await peer.read_until("audio-stop")))
        await peer.write("transcript", text="")

    async with recognizer(script) as (stt, _):
        frame = SPEECH[:TICK].copy()
        utterance = stt.listen()
        utterance.feed(frame)
        frame[:] = 0
        await utterance.finish()
    assert heard == [SPEECH[:TICK].astype("<i2").tobytes()]


@pytest.mark.parametrize("spoken", [0, 8000])
async def test_a_discarded_utterance_closes_its_connection_at_once(spoken: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.read_all()

    async with recognizer(script) as (stt, server):
        utterance = stt.listen()
        await server.has(2)
        utterance.feed(SPEECH[:spoken])
        utterance.discard()
        utterance.discard()
        await server.has(1)


async def test_discarding_a_finished_utterance_has_no_effect() -> None:
    async with recognizer(whisper) as (stt, _):
        utterance = stt.listen()
        utterance.feed(SPEECH)
        result = asyncio.create_task(utterance.finish())
        await asyncio.sleep(0)
        utterance.discard()
        assert await result == "8000 samples"
        utterance.discard()


async def test_finishing_can_be_cancelled() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_all()

    async with recognizer(script) as (stt, server):
        result = asyncio.create_task(stt.listen().finish())
        await server.has(2)
        result.cancel()
        with pytest.raises(asyncio.CancelledError):
            await result
        await server.has(1)


async def test_closing_the_provider_fails_what_is_being_recognized() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_all()

    async with recognizer(script) as (stt, server):
        result = asyncio.create_task(stt.listen().finish())
        await server.has(2)
        await stt.aclose()
        with pytest.raises(ProviderError, match="abandoned"):
            await result


async def hang(peer: Peer) -> None:
    await peer.read_all()


async def report(peer: Peer) -> None:
    await peer.read_until("audio-start")
    await peer.write("error", text="out of memory", code="RuntimeError")


async def cut(peer: Peer) -> None:
    await peer.read_until("audio-start")
    await peer.write_raw(b'{"type": "transcript", "data_length": 30}\n{"te')


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        (
            hang,
            FailureKind.TIMEOUT,
            r"no transcript within 0\.2 s after the end of 1\.0 s of audio",
        ),
        (report, FailureKind.SERVER_ERROR, "reports 'RuntimeError out of memory'"),
        (cut, FailureKind.CUT, "closed by the server within an event"),
    ],
)
async def test_failures_are_reported_by_finish(
    script: Script, kind: FailureKind, message: str
) -> None:
    async with recognizer(script, 0.2) as (stt, _):
        utterance = stt.listen()
        utterance.feed(SPEECH)
        with pytest.raises(ProviderError, match=message) as caught:
            await utterance.finish()
        assert caught.value.kind is kind


async def test_a_failure_of_an_utterance_that_is_discarded_bothers_nobody() -> None:
    async with recognizer(report) as (stt, _):
        utterance = stt.listen()
        while not utterance.task.done():
            utterance.feed(SPEECH[:TICK])
            await asyncio.sleep(0)
        utterance.discard()


async def test_no_server_is_reported_by_finish() -> None:
    async with FaultyServer(hang).running() as server:
        address = server.address
    stt = WyomingStt(WyomingSttSettings(kind="wyoming", address=address), LINE_HZ, "en", 10)
    await stt.start()
    utterance = stt.listen()
    utterance.feed(SPEECH)
    with pytest.raises(ProviderError, match="no connection") as caught:
        await utterance.finish()
    assert caught.value.kind is FailureKind.UNREACHABLE
    await stt.aclose()


async def test_the_language_is_written_as_the_server_lists_it() -> None:
    asked: list[Event] = []

    async def script(peer: Peer) -> None:
        event = await peer.read()
        if event.type == "describe":
            models = [{"name": "tiny.en", "languages": ["en"]}]
            await peer.write("info", asr=[{"name": "whisper", "models": models}])
        else:
            asked.append(event)
            await peer.read_until("audio-stop")
            await peer.write("transcript", text="")

    async with recognizer(script) as (stt, _):
        await stt.start()
        await stt.listen().finish()
        assert asked == [Event("transcribe", {"language": "en"})]


async def test_check_recognizes_silence() -> None:
    async with recognizer(whisper, model="tiny.en") as (stt, _):
        found = await stt.check()
    assert "whisper, model tiny.en, en;" in found


async def test_check_refuses_an_unknown_model() -> None:
    async with recognizer(whisper, model="tiny") as (stt, _):
        with pytest.raises(
            ProviderError, match=r"no recognition model 'tiny'; nearest of 1: tiny\.en"
        ):
            await stt.check()
