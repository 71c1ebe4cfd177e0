"""A server of chat completions and of tools, whose answer is chosen by the keys of the caller.

Calls can meet different faults at the same time, and a second try meets the same one. It is a
process of its own, `python faulty_model.py`, because it must not take the time of the pod's loop.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
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
"""Longer than callers wait for the filler."""
ENDLESS_WORDS = 10_000
START_S: Final = 20.0
WELL_KEYS, LONG_KEYS = "99", "98"
_KEYED = re.compile(r"\[keyed: (\d+)\]")
_HUGE = b"x" * 2**20


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and what the caller hears of it."""

    name: str
    reply: Handler
    failure: str = ""
    """Kind of the provider's failure, if it is one."""
    hears: str = APOLOGY
    """Part of a text; "" for a reply that does not end."""
    result: str = ""
    """Part of the tool's result that the model gets."""


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


async def _endless(request: web.Request) -> web.StreamResponse:
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
    Fault("slow first byte", _slow, "timeout"),
    Fault("cut stream", streamed(chunk({"content": "It is. And it"}), Step.RESET), "cut"),
    Fault("ended stream", streamed(chunk({"content": "It is. And it"})), "cut"),
    Fault(
        "malformed chunk", streamed(chunk({"content": "It "}), b"data: {no json\n\n"), "bad_answer"
    ),
    Fault(
        "429, long Retry-After",
        refuses(429, "rate_limit_exceeded", Retry_After="3600"),
        "rate_limited",
    ),
    Fault("429, unpaid", refuses(429, "insufficient_quota"), "quota_exceeded"),
    Fault("500", refuses(500, "server_error"), "server_error"),
    Fault("401", refuses(401, "invalid_api_key"), "unauthorized"),
    Fault("404", refuses(404, "model_not_found"), "not_found"),
    Fault("hang before headers", _hangs, "timeout"),
    Fault("hang in mid stream", streamed(chunk({"content": "It"}), Step.HANG), "timeout"),
    Fault("HTML", answer("<html><title>Sign in</title></html>"), "bad_answer"),
    Fault("empty reply", streamed(*says())),
    Fault("endless reply", _endless, hears=""),
    Fault("unknown tool", calls("no_such_tool"), hears=TOLD, result="found tool no_such_tool"),
    Fault("no JSON as arguments", calls("fails", "{nothing"), hears=TOLD, result="Error"),
    Fault("invalid arguments", calls("fails", '{"number": "x"}'), hears=TOLD, result="number"),
    Fault("tool: 500", calls("fails"), hears=TOLD, result="HTTP status 500"),
    Fault("tool: HTML", calls("page"), hears=TOLD, result="(text of an HTML page, not JSON)"),
    Fault("tool: 20 MB", calls("huge"), hears=TOLD, result="(only the first 262144 bytes"),
    Fault("tool: slow", calls("slow"), hears=FILLER, result="perhaps carried out"),
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
        self._results: dict[str, str] = {}
        """Of tools, by the caller's keys."""
        self._requests: dict[str, int] = {}
        self._replies = {f"{index:02}": fault.reply for index, fault in enumerate(FAULTS)}
        self._replies |= {WELL_KEYS: streamed(*says(WELL)), LONG_KEYS: _long}

    def app(self) -> web.Application:
        """All of the server."""
        app = web.Application()
        app.router.add_get("/v1/models", answer({"object": "list", "data": [{"id": MODEL}]}))
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/tools/{name}", self._tool)
        app.router.add_get("/seen", self._seen)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        messages: list[dict[str, Any]] = json.loads(await request.read())["messages"]
        last = messages[-1]
        said = next(each["content"] for each in reversed(messages) if each["role"] == "user")
        keys = _KEYED.findall(said)[-1]
        self._requests[keys] = self._requests.get(keys, 0) + 1
        if last["role"] == "tool":
            self._results[keys] = last["content"]
            return await streamed(*says(TOLD))(request)
        return await self._replies[keys](request)

    async def _tool(self, request: web.Request) -> web.StreamResponse:
        return await TOOLS[request.match_info["name"]](request)

    async def _seen(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"results": self._results, "requests": self._requests})


def faulty_tools(url: str) -> list[dict[str, Any]]:
    """The tools, as the manifest has them."""
    number = {"type": "object", "properties": {"number": {"type": "integer"}}}
    about = {"kind": "http", "description": "A tool.", "timeoutSeconds": SLOW_TOOL_S}
    return [
        about | {"name": name, "url": f"{url}/tools/{name}", "parameters": number, "filler": FILLER}
        for name in TOOLS
    ]


@asynccontextmanager
async def model_process(program: Path = Path(__file__)) -> AsyncIterator[str]:
    """Run `program`, which ends with its input; gives the URL that it prints."""
    tests = str(Path(__file__).parents[1])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(program)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([tests, *sys.path])},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            url = (await process.stdout.readline()).decode().strip()
        yield url
    finally:
        process.stdin.close()
        async with asyncio.timeout(START_S):
            await process.wait()


async def seen(url: str) -> dict[str, Any]:
    """What the server of `url` was asked."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/seen") as found:
        return dict(await found.json())


async def serve(app: web.Application) -> None:
    """Serve on loopback, print the URL, and end with the input."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(FaultyModel().app()))
