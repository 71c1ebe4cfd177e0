"""A stand-in for a speech recognizer: a Wyoming server that knows what the caller says.

With it a scenario judges the conversation and not the recognizer. It streams the words while they
are said, as `transcript-chunk`, and the whole turn as `transcript` after its end.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart
from wyoming.event import Event, async_read_event, async_write_event

from interject_lab.evaluation.stand_ins.spoken_words import CallerWords


@asynccontextmanager
async def stand_in_recognizer(words: CallerWords, language: str) -> AsyncIterator[str]:
    """Serve until the end of the block; gives "host:port".

    Args:
        words: what the caller says.
        language: a tag such as "en-US", which the server lists.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection has a task"
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await _connection(reader, writer, words, language)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: CallerWords, language: str
) -> None:
    audio_s, shown = 0.0, ""
    while (event := await async_read_event(reader)) is not None:
        match event.type:
            case "describe":
                await async_write_event(_info(language), writer)
            case "audio-start":
                audio_s, shown = 0.0, ""
                await async_write_event(TranscriptStart().event(), writer)
            case "audio-chunk":
                audio_s += _seconds(event)
                text = words.so_far(audio_s)
                if text.startswith(shown) and text != shown:
                    await async_write_event(TranscriptChunk(text[len(shown) :]).event(), writer)
                    shown = text
            case "audio-stop":
                text = words.transcript(audio_s)
                await async_write_event(Transcript(text, language=language).event(), writer)


def _seconds(event: Event) -> float:
    audio = event.data
    return float(len(event.payload or b"") / (audio["width"] * audio["channels"] * audio["rate"]))


def _info(language: str) -> Event:
    # The package's own types are in modules that import audioop, gone from Python 3.13 on.
    about = {
        "attribution": {"name": "interject", "url": ""},
        "installed": True,
        "description": "knows the scripted caller's words",
        "version": None,
    }
    model = {"name": "script", "languages": [language], **about}
    program = {"name": "interject-eval", "models": [model], **about}
    return Event("info", {"asr": [program | {"supports_transcript_streaming": True}]})
