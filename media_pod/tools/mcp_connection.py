"""Connections of an MCP client: to a URL with bounded answers, or to a process and its stderr.

The `mcp` package takes half a second to import: `load` does it in a thread, and nothing here is
called before.
"""

import asyncio
import importlib
import json
import logging
import os
import shutil
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, TextIO

import httpx2

from media_pod.errors import SetupError
from media_pod.logs import pass_lines
from media_pod.providers.ports import FailureKind, ProviderError

if TYPE_CHECKING:
    from mcp.client._transport import Transport

MAX_ANSWER_BYTES: Final = 512 * 1024
"""Of a message by HTTP, which is parsed at once on the event loop; measured, 2 ms."""
_CONNECT_S: Final = 3.0
_STREAM_S: Final = 300.0
"""Longest silence of a stream that waits for messages of the server."""
_LAST_LINES_S: Final = 0.5
"""For the rest of the stderr of a program that has ended."""


async def load() -> None:
    """Import the package in a thread, and silence its log.

    What it logs it also raises; its log has tracebacks with whatever the server sent.

    Raises:
        SetupError: it is not installed.
    """
    try:
        for module in ("mcp", "mcp.client.stdio", "mcp.client.streamable_http"):
            await asyncio.to_thread(importlib.import_module, module)
    except ImportError as error:
        raise SetupError(
            f"tools of kind mcp: found no package mcp ({error}); next step: pip install mcp"
        ) from error
    logging.getLogger("mcp").setLevel(logging.CRITICAL)


async def by_http(
    stack: AsyncExitStack,
    url: str,
    headers: Mapping[str, str],
    timeout_s: float,
    on_status: Callable[[int], None],
) -> "Transport":
    """The transport for a URL; `stack` closes its HTTP client.

    Args:
        stack: of the task that owns the connection.
        url: of a streamable HTTP server.
        headers: of all requests.
        timeout_s: for a request to be sent, and for an idle connection.
        on_status: called with every status of 400 or more, which the package does not report.
    """
    from mcp.client.streamable_http import streamable_http_client

    tls = await asyncio.to_thread(ssl.create_default_context)
    client = httpx2.AsyncClient(
        # Without compression: a kilobyte of it can be a megabyte on the loop.
        headers={"Accept-Encoding": "identity", **headers},
        transport=_BoundedTransport(httpx2.AsyncHTTPTransport(verify=tls, trust_env=False)),
        trust_env=False,
        timeout=httpx2.Timeout(timeout_s, connect=_CONNECT_S, read=_STREAM_S),
        event_hooks={"response": [_reporting(on_status)]},
    )
    await stack.enter_async_context(client)
    return streamable_http_client(url, http_client=client, max_sse_event_size=MAX_ANSWER_BYTES)


async def by_process(
    stack: AsyncExitStack,
    command: Sequence[str],
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
) -> "Transport":
    """The transport for a program; its stderr is read until `stack` is closed.

    Args:
        stack: of the task that owns the connection.
        command: the program and its arguments.
        environment: added to the few variables that the package passes on (PATH, HOME, ...).
        on_line: called with every line of stderr, those that a program leaves at its end included.

    Raises:
        ProviderError: there is no such program.
    """
    from mcp.client.stdio import StdioServerParameters, stdio_client

    search = environment.get("PATH", os.defpath if "PATH" not in os.environ else None)
    if shutil.which(command[0], path=search) is None:
        raise ProviderError(
            f"found no program {command[0]!r}; expected one on PATH, or its path",
            FailureKind.NOT_FOUND,
        )
    errors = await _read_lines(stack, on_line)
    parameters = StdioServerParameters(
        command=command[0],
        args=list(command[1:]),
        env=dict(environment),
        encoding_error_handler="replace",
    )
    return stdio_client(parameters, errlog=errors)


async def _read_lines(stack: AsyncExitStack, on_line: Callable[[str], None]) -> TextIO:
    """A file for the stderr of a process; what is written to it is read, line by line."""
    read_end, write_end = os.pipe()
    errors = os.fdopen(write_end, "w")
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
    )
    task = asyncio.create_task(pass_lines(reader, on_line), name="stderr of an MCP server")

    async def stop() -> None:
        errors.close()
        # The pipe ends here, unless the program left one behind that still has it open.
        await asyncio.wait([task], timeout=_LAST_LINES_S)
        task.cancel()
        await asyncio.wait([task])
        transport.close()

    stack.push_async_callback(stop)
    return errors


def _reporting(on_status: Callable[[int], None]) -> Callable[[httpx2.Response], Any]:
    async def report(response: httpx2.Response) -> None:
        if response.status_code >= 400:
            on_status(response.status_code)

    return report


class _BoundedTransport(httpx2.AsyncBaseTransport):
    """Answers with an error of JSON-RPC in place of JSON that is too large.

    Events have a limit of the package. A body that ends early would do too, but the package logs a
    traceback for it.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if "json" not in response.headers.get("content-type", "").lower():
            return response
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        body = bytearray()
        try:
            async for chunk in response.stream:
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    return httpx2.Response(200, json=_too_large(request))
        finally:
            await response.stream.aclose()
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=httpx2.ByteStream(bytes(body))
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


def _too_large(request: httpx2.Request) -> dict[str, object]:
    message = f"the answer has more than {MAX_ANSWER_BYTES} bytes; ask for less"
    error = {"code": -32603, "message": message}
    return {"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "error": error}
