"""A server of chat completions and of tools, whose answer is chosen by the keys of the caller.

All calls of a pod can meet their faults at the same time, and a second try meets the same one.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from providers.openai.scripted_server import (
    DONE,
    MODEL,
    Handler,
    ScriptedServer,
    Step,
    answer,
    chunk,
)

APOLOGY = "Sorry, say that again."
WELL = "All is well."
TOLD = "That did not work."
FILLER = "One moment."
DEADLINE_S = 0.5
"""Of a request to the model; the shortest that the manifest allows."""
SLOW_TOOL_S = 1.5
ENDLESS_WORDS = 10_000
WELL_KEYS, LONG_KEYS = "99", "98"
_KEYED = re.compile(r"\[keyed: (\d+)\]")
_HUGE = b"x" * 2**20


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and what the caller hears of it."""

    name: str
    reply: Handler
    hears: str = APOLOGY
    """Part of a text; "" for a reply that does not end."""
    result: str = ""
    """Part of the tool's result that the model gets."""
    tool_s: float = 0.0
    """What a tool's deadline adds to the silence."""


def streamed(*steps: bytes | Step, content_type: str = "text/event-stream") -> Handler:
    """HTTP 200 and a body in pieces."""
    server = ScriptedServer()
    server.streams(*steps, content_type=content_type)
    return server.answers[0]


def says(*texts: str) -> list[bytes]:
    """A whole reply."""
    return [*(chunk({"content": text}) for text in texts), chunk({}, "stop"), DONE]


def calls(name: str, arguments: str = "{}") -> Handler:
    """A reply that calls a tool."""
    function = {"name": name, "arguments": arguments}
    call = {"index": 0, "id": "call00001", "type": "function", "function": function}
    return streamed(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), DONE)


def refuses(status: int, code: str, **headers: str) -> Handler:
    """An error of the API."""
    error = {"message": "No.", "type": code, "param": None, "code": code}
    return answer({"error": error}, status, **headers)


async def _hangs(request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("the client waited for ever")


async def _slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(2 * DEADLINE_S)
    return await streamed(*says(WELL))(request)


async def endless(request: web.Request) -> web.StreamResponse:
    """A long reply as fast as it is read."""
    return await streamed(*(chunk({"content": "so "}) for _ in range(ENDLESS_WORDS)))(request)


async def _long(request: web.Request) -> web.StreamResponse:
    return await streamed(*says(*["We go on and on. "] * 400))(request)


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    for _ in range(20):
        await response.write(_HUGE)
    return response


FAULTS = (
    Fault("slow first byte", _slow),
    Fault("cut stream", streamed(chunk({"content": "It is. And it"}), Step.RESET)),
    Fault("ended stream", streamed(chunk({"content": "It is. And it"}))),
    Fault("malformed chunk", streamed(chunk({"content": "It "}), b"data: {no json\n\n")),
    Fault("429, long Retry-After", refuses(429, "rate_limit_exceeded", Retry_After="3600")),
    Fault("429, unpaid", refuses(429, "insufficient_quota")),
    Fault("500", refuses(500, "server_error")),
    Fault("401", refuses(401, "invalid_api_key")),
    Fault("404", refuses(404, "model_not_found")),
    Fault("hang before headers", _hangs),
    Fault("hang in mid stream", streamed(chunk({"content": "It"}), Step.HANG)),
    Fault("HTML", answer("<html><title>Sign in</title></html>")),
    Fault("empty reply", streamed(*says())),
    Fault("endless reply", endless, hears=""),
    Fault("unknown tool", calls("no_such_tool"), TOLD, "found tool no_such_tool"),
    Fault("no JSON as arguments", calls("fails", "{nothing"), TOLD, "Error"),
    Fault("invalid arguments", calls("fails", '{"number": "x"}'), TOLD, "number"),
    Fault("tool: 500", calls("fails"), TOLD, "HTTP status 500"),
    Fault("tool: HTML", calls("page"), TOLD, "(text of an HTML page, not JSON)"),
    Fault("tool: 20 MB", calls("huge"), TOLD, "(only the first 262144 bytes"),
    Fault("tool: slow", calls("slow"), FILLER, "perhaps carried out", SLOW_TOOL_S),
)
TOOLS: Mapping[str, Handler] = {
    "fails": answer({"error": "broken"}, 500),
    "page": answer("<html><title>Sign in</title><p>Sign in first.</html>"),
    "huge": _huge,
    "slow": _hangs,
}


class FaultyModel:
    """See the module. The keys of `FAULTS[n]` are n with two digits."""

    def __init__(self) -> None:
        self.results: dict[str, str] = {}
        """Of tools, by the caller's keys."""
        self.prompts: dict[str, int] = {}
        """Number of requests by the caller's keys."""
        self._replies = {f"{index:02}": fault.reply for index, fault in enumerate(FAULTS)}
        self._replies |= {WELL_KEYS: streamed(*says(WELL)), LONG_KEYS: _long}

    async def models(self, request: web.Request) -> web.StreamResponse:
        """The list of models."""
        return await answer({"object": "list", "data": [{"id": MODEL}]})(request)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """A reply."""
        messages: list[dict[str, Any]] = json.loads(await request.read())["messages"]
        last = messages[-1]
        said = next(each["content"] for each in reversed(messages) if each["role"] == "user")
        keys = _KEYED.findall(said)[-1]
        self.prompts[keys] = self.prompts.get(keys, 0) + 1
        if last["role"] == "tool":
            self.results[keys] = last["content"]
            return await streamed(*says(TOLD))(request)
        return await self._replies[keys](request)

    async def tool(self, request: web.Request) -> web.StreamResponse:
        """A tool's answer."""
        return await TOOLS[request.match_info["name"]](request)


def faulty_tools(url: str) -> list[dict[str, Any]]:
    """The tools, as the manifest has them."""
    number = {"type": "object", "properties": {"number": {"type": "integer"}}}
    about = {"kind": "http", "description": "A tool.", "timeoutSeconds": SLOW_TOOL_S}
    return [
        about | {"name": name, "url": f"{url}/tools/{name}", "parameters": number, "filler": FILLER}
        for name in TOOLS
    ]


@asynccontextmanager
async def serving(model: FaultyModel) -> AsyncIterator[str]:
    """Serve `model` on loopback; gives its URL without a path."""
    app = web.Application()
    app.router.add_get("/v1/models", model.models)
    app.router.add_post("/v1/chat/completions", model.chat)
    app.router.add_post("/tools/{name}", model.tool)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
