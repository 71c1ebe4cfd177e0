"""The providers of the conversation bench, as a process: an OpenAI-compatible server that streams.

A reply is 40 tokens, the first after 200 ms and one every 20 ms; speech is PCM in pieces of 100 ms,
five times as fast as it is spoken; recognition takes 100 ms. Prints one JSON line with its port.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Final

import numpy as np
from aiohttp import web

FIRST_TOKEN_S: Final = 0.2
TOKEN_S: Final = 0.02
TOKENS: Final = 40
RECOGNITION_S: Final = 0.1
SPEECH_RATE_HZ: Final = 24_000
_SPEED: Final = 5
_PIECE_S: Final = 0.1
_MS_PER_CHARACTER: Final = 65
_WORDS: Final = "one two three four five six seven eight nine ten,".split()
_MODEL: Final = "bench"


async def models(request: web.Request) -> web.Response:
    """GET /v1/models."""
    return web.json_response({"object": "list", "data": [{"id": _MODEL, "object": "model"}]})


async def chat(request: web.Request) -> web.StreamResponse:
    """POST /v1/chat/completions, streamed."""
    await request.read()
    return await _streamed(request, "text/event-stream", _tokens())


async def speech(request: web.Request) -> web.StreamResponse:
    """POST /v1/audio/speech, streamed as PCM: a buzz of the right length."""
    text = (await request.json())["input"]
    return await _streamed(request, "audio/pcm", _pcm(len(text) * _MS_PER_CHARACTER / 1000))


async def transcription(request: web.Request) -> web.Response:
    """POST /v1/audio/transcriptions."""
    await request.read()
    await asyncio.sleep(RECOGNITION_S)
    return web.json_response({"text": "Tell me something, please."})


async def _streamed(
    request: web.Request, content_type: str, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    try:
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except ConnectionResetError:
        pass  # a barge-in: the pod has closed the stream
    return response


async def _tokens() -> AsyncIterator[bytes]:
    await asyncio.sleep(FIRST_TOKEN_S)
    for number in range(TOKENS):
        yield _chunk({"content": f"{_WORDS[number % len(_WORDS)]} "}, None)
        await asyncio.sleep(TOKEN_S)
    yield _chunk({}, "stop")
    yield b"data: [DONE]\n\n"


def _chunk(delta: dict[str, str], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "1", "object": "chat.completion.chunk", "model": _MODEL, "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


async def _pcm(seconds: float) -> AsyncIterator[bytes]:
    samples = np.arange(round(_PIECE_S * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 140 * harmonic * samples) / harmonic for harmonic in range(1, 12))
    piece = (np.asarray(buzz) * 4000).astype("<i2").tobytes()
    for _ in range(max(1, round(seconds / _PIECE_S))):
        yield piece
        await asyncio.sleep(_PIECE_S / _SPEED)


async def serve() -> None:
    """Serve until standard input ends."""
    app = web.Application(client_max_size=16 << 20)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_post("/v1/audio/speech", speech)
    app.router.add_post("/v1/audio/transcriptions", transcription)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
