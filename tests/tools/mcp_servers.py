"""MCP servers of the official package: on loopback within the test, and a program for stdio.

Run as a program it is the stdio server: `python mcp_servers.py`.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import mcp_types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.utilities.types import Audio, Image
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ON_START = "the server has started"


@dataclass
class Desk:
    """A server with one tool for each behaviour, and what its tools have seen."""

    running: int = 0
    all_running: asyncio.Event = field(default_factory=asyncio.Event)
    """Three calls of `meet` are running."""
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0
    """By HTTP."""
    sessions: set[bytes] = field(default_factory=set)
    """Their ids, of a server that has sessions."""
    forgotten: set[bytes] = field(default_factory=set)
    """Sessions that the server does not know any more."""

    def server(self) -> MCPServer:
        server = MCPServer("desk", log_level="ERROR")
        tools: dict[str, Callable[..., Any]] = {
            "orders.find": self.find,
            "orders/find": self.find,
            "fail": self.fail,
            "meet": self.meet,
            "hang": self.hang,
            "text": self.text,
            "picture": self.picture,
            "environment": self.environment,
            "stop": self.stop,
        }
        for name, function in tools.items():
            server.add_tool(function, name=name, structured_output=name != "picture" and None)
        return server

    async def find(self, order: str) -> dict[str, str]:
        """Finds an order."""
        return {"order": order, "state": "sent"}

    async def fail(self) -> str:
        raise ToolError("the order desk is closed")

    async def meet(self, number: int) -> int:
        """Ends when three calls of it run at once."""
        self.running += 1
        if self.running == 3:
            self.all_running.set()
        await self.all_running.wait()
        return number

    async def hang(self) -> str:
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        return ""

    async def text(self, characters: int) -> str:
        return "x" * characters

    async def picture(self) -> list[Any]:
        return ["A map:", Image(data=b"png", format="png"), Audio(data=b"wav", format="wav")]

    async def environment(self) -> dict[str, str]:
        return dict(os.environ)

    async def stop(self) -> str:
        os._exit(1)


@asynccontextmanager
async def served(
    desk: Desk,
    port: int = 0,
    *,
    legacy: bool = False,
    in_events: bool = True,
    key: str = "",
    server: Any = None,
) -> AsyncIterator[str]:
    """Serve by HTTP until the end of the block; gives the URL.

    Args:
        desk: the tools.
        port: 0 for any.
        legacy: as servers before the protocol of 2026, with sessions.
        in_events: answers are server-sent events, not JSON.
        key: what the header Authorization has to be.
        server: another server than the desk's.
    """
    app = (server or desk.server()).streamable_http_app(json_response=not in_events)
    gate = _Gate(app, desk, legacy, key)
    config = uvicorn.Config(gate, "127.0.0.1", port, log_level="critical", ws="none")
    # Running requests are cancelled at once, as those of a process that is killed.
    config.timeout_graceful_shutdown = 0
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.001)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        running.should_exit = True
        await task
        # The package for server-sent events leaves a task that polls twice a second.
        watchers = [each for each in asyncio.all_tasks() if "_shutdown_watcher" in repr(each)]
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


class _Gate:
    """In front of a server: wants a key, knows no `server/discover`, forgets sessions."""

    def __init__(self, app: ASGIApp, desk: Desk, legacy: bool, key: str) -> None:
        self._app, self._desk, self._legacy, self._key = app, desk, legacy, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        self._desk.requests += 1
        headers = dict(scope["headers"])
        if self._key and headers.get(b"authorization") != self._key.encode():
            return await _refuse(send, 401)
        first = await receive()
        if self._legacy and b"server/discover" in first.get("body", b""):
            return await _refuse(send, 404)
        messages = [first]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self._app({**scope, "headers": self._remembered(headers)}, again, send)

    def _remembered(self, headers: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        session = headers.get(b"mcp-session-id")
        if session is not None:
            self._desk.sessions.add(session)
            if session in self._desk.forgotten:
                headers[b"mcp-session-id"] = b"0" * 32
        return list(headers.items())


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def paged(pages: list[list[str]]) -> Server[Any]:
    """A server whose list of tools has pages; the last tool of all has no valid schema."""

    async def listed(_: Any, params: Any) -> mcp_types.ListToolsResult:
        page = int(params.cursor) if params is not None and params.cursor else 0
        return mcp_types.ListToolsResult(
            tools=[mcp_types.Tool(name=name, input_schema=_schema(name)) for name in pages[page]],
            next_cursor=str(page + 1) if page + 1 < len(pages) else None,
        )

    return Server("paged", on_list_tools=listed)


def _schema(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"type": "strin" if name == "bad" else "string"}}}


if __name__ == "__main__":
    sys.stderr.write(f"{ON_START} {os.environ.get('API_KEY', '')}\n")
    sys.stderr.flush()
    asyncio.run(Desk().server().run_stdio_async())
