"""A server of OpenAI's API that answers exactly what a test says, faults included."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from aiohttp import web

API_KEY = "sk-test-0123456789abcdef"
MODEL = "test-model"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Step(Enum):
    """What a server may do in an answer, instead of sending bytes."""

    HANG = auto()
    RESET = auto()


@dataclass(frozen=True, slots=True)
class Received:
    """A request; `body` is None if it is no JSON."""

    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes
    connection: int
    """Port of the client's end."""


class ScriptedServer:
    """Gives the answers of `answers` in order; models are listed unless `models` says otherwise."""

    def __init__(self) -> None:
        self.answers: list[Handler] = []
        self.models: Handler = answer({"object": "list", "data": [{"id": MODEL}]})
        self.received: list[Received] = []
        self.hanging = asyncio.Event()
        """An answer has come to `Step.HANG`."""
        self.gone = asyncio.Event()
        """The client closed the connection of an answer that hung."""
        self.listed = asyncio.Event()
        """The models were asked for."""
        self.url = ""
        """Base URL of the API."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        is_json = request.content_type == "application/json" and raw
        body = json.loads(raw) if is_json else None
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        self.received.append(Received(request.path, dict(request.headers), body, raw, port))
        if request.method == "GET":
            self.listed.set()
            return await self.models(request)
        return await self.answers.pop(0)(request)

    @property
    def posted(self) -> list[Received]:
        """The requests that are not for the models."""
        return [each for each in self.received if each.path != "/v1/models"]

    def streams(self, *steps: bytes | Step, content_type: str = "text/event-stream") -> None:
        """The next answer: HTTP 200 and a body in pieces."""

        async def handler(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": content_type})
            await response.prepare(request)
            for step in steps:
                if isinstance(step, bytes):
                    await response.write(step)
                elif not await self._fault(request, step):
                    break
            return response

        self.answers.append(handler)

    def fails(self, status: int, body: object, **headers: str) -> None:
        """The next answer: an error."""
        self.answers.append(answer(body, status, **headers))

    def hangs(self) -> None:
        """The next answer: none."""

        async def handler(request: web.Request) -> web.StreamResponse:
            await self._fault(request, Step.HANG)
            raise AssertionError("the client waited for ever")

        self.answers.append(handler)

    async def _fault(self, request: web.Request, step: Step) -> bool:
        if step is Step.HANG:
            self.hanging.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.gone.set()
        assert request.transport is not None
        request.transport.abort()
        return False


def answer(body: object, status: int = 200, **headers: str) -> Handler:
    """A handler that gives a JSON value, or HTML as a string that begins with "<"."""
    is_html = isinstance(body, str) and body.startswith("<")
    text = body if isinstance(body, str) else json.dumps(body)
    content_type = "text/html" if is_html else "application/json"
    names = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type, headers=names)

    return handler


def event(value: object) -> bytes:
    """A server-sent event with a JSON value."""
    return f"data: {json.dumps(value)}\n\n".encode()


def chunk(delta: object, finish_reason: object = None, **fields: object) -> bytes:
    """An event with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"object": "chat.completion.chunk", "choices": [choice]} | fields)


DONE = b"data: [DONE]\n\n"
