"""A stand-in for OpenAI's API that pods reach: chat, transcriptions and speech, as a test says.

Its voice speaks in tones, a pitch for each text, so that a test knows by the sound what a caller
was told.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from cluster.cluster import Json

VOICE_RATE_HZ: Final = 24_000
"""Of `response_format: pcm` in OpenAI's API, 16-bit mono."""
SPOKEN_S: Final = 0.8
"""Of each clause."""
OTHERWISE_HZ: Final = 500.0
_LEVEL: Final = 8000


@dataclass(frozen=True)
class Reply:
    """What the model says to a caller's words, and in which pitch; then it may call a tool."""

    text: str
    pitch_hz: float = OTHERWISE_HZ
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRequest:
    """A request that was answered."""

    path: str
    key: str
    body: Json


class ModelServer:
    """Answers requests whose key is in `keys`, the others with 401.

    `replies` has the model's answers by a part of the caller's words, `said` what every utterance
    is recognized as.
    """

    def __init__(self) -> None:
        self.url = ""
        self.keys = {"sk-first"}
        self.replies: dict[str, Reply] = {}
        self.said = ""
        self.asked: list[ModelRequest] = []
        self.rejected: list[str] = []
        """Keys of requests that were answered with 401."""

    def prompts(self) -> list[str]:
        """The system message of each request to the model, in order."""
        return [each.body["messages"][0]["content"] for each in self.chats()]

    def chats(self) -> list[ModelRequest]:
        """The requests to the model."""
        return [each for each in self.asked if each.path == "/v1/chat/completions"]

    def application(self) -> web.Application:
        """The routes, for a server of aiohttp."""
        app = web.Application(middlewares=[self._with_a_key], client_max_size=2**24)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/audio/transcriptions", self._transcription)
        app.router.add_post("/v1/audio/speech", self._speech)
        return app

    @web.middleware
    async def _with_a_key(self, request: web.Request, handler: Any) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            self.rejected.append(key)
            error = {"message": "Incorrect API key provided.", "code": "invalid_api_key"}
            return web.json_response({"error": error}, status=401)
        is_json = request.content_type == "application/json" and request.can_read_body
        self.asked.append(ModelRequest(request.path, key, await request.json() if is_json else {}))
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        words = next(each["content"] for each in body["messages"][::-1] if each["role"] == "user")
        reply = next((self.replies[part] for part in self.replies if part in words), Reply("Well."))
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for delta, reason in _deltas(reply):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"object": "chat.completion.chunk", "model": body["model"], "choices": [choice]}
            await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await answer.write(b"data: [DONE]\n\n")
        return answer

    async def _transcription(self, request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"text": self.said})

    async def _speech(self, request: web.Request) -> web.Response:
        text = (await request.json())["input"]
        pitches = (each.pitch_hz for each in self.replies.values() if text in each.text)
        pcm = _tone(next(pitches, OTHERWISE_HZ))
        return web.Response(body=pcm.astype("<i2").tobytes(), content_type="audio/pcm")


@asynccontextmanager
async def serving(host: str) -> AsyncIterator[ModelServer]:
    """A server on a free port of `host`."""
    server = ModelServer()
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        server.url = f"http://{host}:{runner.addresses[0][1]}/v1"
        yield server
    finally:
        await runner.cleanup()


def _deltas(reply: Reply) -> list[tuple[Json, str | None]]:
    deltas: list[tuple[Json, str | None]] = [({"content": word}, None) for word in _words(reply)]
    if not reply.tool:
        return [*deltas, ({}, "stop")]
    function = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
    call = {"index": 0, "id": "call-1", "type": "function", "function": function}
    return [*deltas, ({"tool_calls": [call]}, None), ({}, "tool_calls")]


def _words(reply: Reply) -> list[str]:
    return [f"{word} " for word in reply.text.split()]


def _tone(pitch_hz: float) -> NDArray[np.int16]:
    times_s = np.arange(round(SPOKEN_S * VOICE_RATE_HZ)) / VOICE_RATE_HZ
    return (_LEVEL * np.sin(2 * np.pi * pitch_hz * times_s)).astype(np.int16)
