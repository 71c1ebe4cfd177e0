"""An API server on a real socket that answers list and watch requests as a test has written it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import Json

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def thing(name: str, version: int, **more: Any) -> Json:
    metadata = {"namespace": "voice", "name": name, "uid": f"uid-{name}", **more}
    return {
        "kind": "PartialObjectMetadata",
        "metadata": {**metadata, "resourceVersion": f"{version}"},
    }


def listing(*things: Json, version: int, more: str = "") -> Answer:
    """A page of a list."""

    async def answer(request: web.Request) -> web.Response:
        metadata = {"resourceVersion": str(version), **({"continue": more} if more else {})}
        return web.json_response({"items": things, "metadata": metadata})

    return answer


def refusal(status: int, message: str = "", **headers: str) -> Answer:
    """A Status object in place of an answer."""

    async def answer(request: web.Request) -> web.Response:
        body = {"kind": "Status", "code": status, "reason": "Whatever", "message": message}
        return web.json_response(body, status=status, headers=headers)

    return answer


async def closes(response: web.StreamResponse, request: web.Request) -> None:
    """The server ends the watch."""


async def resets(response: web.StreamResponse, request: web.Request) -> None:
    """The connection breaks."""
    assert request.transport is not None
    request.transport.abort()


async def half_a_line(response: web.StreamResponse, request: web.Request) -> None:
    """The connection breaks in the middle of an event."""
    await response.write(b'{"type": "ADDED", "object": {"metad')


async def says_nothing(response: web.StreamResponse, request: web.Request) -> None:
    """The connection lives, and nothing comes any more."""
    await asyncio.Event().wait()


def events(*those: tuple[str, Json], then: Any = closes) -> Answer:
    """A watch with events, and how it ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for kind, what in those:
            await response.write(json.dumps({"type": kind, "object": what}).encode() + b"\n")
        await then(response, request)
        return response

    return answer


class ScriptedApi:
    """Answers each request with the next line of the script; after the last, with silence."""

    def __init__(self, script: tuple[Answer, ...]) -> None:
        self._script = list(script)
        self.asked: list[web.Request] = []
        self.over = asyncio.Event()
        """All was answered, and one more question came."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if not self._script:
            self.over.set()
            return await events(then=says_nothing)(request)
        return await self._script.pop(0)(request)

    @property
    def watched(self) -> list[str]:
        """The versions from which watches began; "list" for each page of a list."""
        return [
            request.query["resourceVersion"] if "watch" in request.query else "list"
            for request in self.asked
        ]


@asynccontextmanager
async def serving(*script: Answer) -> AsyncIterator[tuple[ScriptedApi, ApiServer]]:
    """A server that follows `script`, and a client of it."""
    scripted = ScriptedApi(script)
    app = web.Application()
    app.router.add_get("/{path:.*}", scripted.answer)
    async with TestServer(app) as server:
        client = ApiServer(Configuration(host=f"http://127.0.0.1:{server.port}"))
        try:
            yield scripted, client
        finally:
            await client.aclose()
