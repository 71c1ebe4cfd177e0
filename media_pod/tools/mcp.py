"""An MCP server as a source of tools, by the `mcp` package.

One task owns the connection for the life of the pod: the package's client has to be left in the
task that entered it, and an HTTP server that goes away cancels that task's body. The owner enters
again, with growing pauses. Calls come from other tasks; they use the client that is there, and
never wait for a connection.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from media_pod.manifest.tools import McpToolSettings
from media_pod.providers.chat import JsonObject
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.tools.arguments import ArgumentsError
from media_pod.tools.connection_failures import explained
from media_pod.tools.mcp_connection import by_http, by_process, load
from media_pod.tools.mcp_results import as_result
from media_pod.tools.mcp_tools import McpTool, listed, made
from media_pod.tools.ports import Tool, ToolResult
from media_pod.tools.redaction import Redaction

if TYPE_CHECKING:
    from mcp import Client

_log = logging.getLogger(__name__)

REFRESH_S: Final = 60.0
"""Between two readings of the list of tools: servers need not tell that it changed."""
FIRST_PAUSE_S: Final = 0.5
_MAX_PAUSE_S: Final = 15.0
_CONNECT_S: Final = 30.0
"""For a process to start and to list its tools; some install themselves first."""
_START_WAIT_S: Final = 10.0
"""Longest that the start of a pod waits for a server."""
_CLOSE_S: Final = 8.0
"""A process has 2 s to end by itself, 2 s after SIGTERM, and is killed (the package's rule)."""
_MAX_REASON: Final = 500
_LOST: Final = ("connection closed", "session terminated", "session not found")
"""Messages of a session that will not answer any more; it has to be entered again."""


class McpServer:
    """The tools of one MCP server, a `ToolSource`."""

    def __init__(
        self,
        settings: McpToolSettings,
        headers: Mapping[str, str],
        *,
        refresh_s: float = REFRESH_S,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        """
        Args:
            settings: of the server.
            headers: values of the settings' headers by name, secrets included: headers of requests,
                or environment variables of the process.
            refresh_s: between two readings of the list of tools.
            first_pause_s: before the first attempt to connect again; doubles up to 15 s.
        """
        self.name = settings.name
        self.settings = settings
        self.tools: Sequence[Tool] = ()
        self._headers = {name: value.strip() for name, value in headers.items()}
        self._redacted = Redaction(
            self._headers[each.name]
            for each in settings.headers
            if each.value_from is not None and each.name in headers
        )
        self._refresh_s, self._first_pause_s = refresh_s, first_pause_s
        self._listed: list[Any] = []
        self._client: Client | None = None
        self._failure = ("not connected yet", FailureKind.UNREACHABLE)
        self._status, self._last_line = 0, ""
        self._owner: asyncio.Task[None] | None = None
        self._settled, self._wake = asyncio.Event(), asyncio.Event()
        self._stopping = self._lost = False

    async def start(self) -> None:
        """Load the package, connect, and list the tools, waiting 10 s at most; see `ToolSource`."""
        await load()
        self._owner = asyncio.create_task(self._own(), name=f"mcp {self.name}")
        try:
            async with asyncio.timeout(_START_WAIT_S):
                await self._settled.wait()
        except TimeoutError:
            _log.warning("mcp %s: no connection within %g s", self.name, _START_WAIT_S)

    async def check(self) -> str:
        """See `ToolSource.check`."""
        if self._client is None:
            reason, kind = self._failure
            raise ProviderError(f"mcp {self.name}: {reason}", kind)
        missing = sorted(set(self.settings.allowed_tools) - {each.name for each in self._listed})
        if missing:
            names = ", ".join(each.name for each in self._listed)
            raise ProviderError(
                f"mcp {self.name}: allowedTools: found {missing[0]!r}; the server has: {names}",
                FailureKind.NOT_FOUND,
            )
        return f"mcp {self.name}: {len(self.tools)} tools (MCP {self._client.protocol_version})"

    async def aclose(self) -> None:
        """Leave the session and end the process, which takes 6 s if it ignores all requests."""
        if self._owner is None:
            return
        self._stopping = True
        self._wake.set()
        if self._client is None:
            self._owner.cancel()
        _, late = await asyncio.wait([self._owner], timeout=_CLOSE_S)
        if late:
            _log.warning("mcp %s: did not close within %g s", self.name, _CLOSE_S)
            self._owner.cancel()
            await asyncio.wait([self._owner], timeout=_CLOSE_S)

    async def call(self, tool: McpTool, arguments: JsonObject) -> ToolResult:
        """Call a tool of this server; never raises, and never waits for a connection."""
        client, name = self._client, f"{self.name}: {tool.server_name}"
        if client is None:
            return self._failed(f"{name}: the server is not connected ({self._failure[0]})")
        try:
            await tool.schema.check(arguments)
            async with asyncio.timeout(self.settings.timeout_seconds):
                result = await client.call_tool(tool.server_name, dict(arguments))
            return as_result(result, self._redacted)
        except ArgumentsError as error:
            return ToolResult(str(error), is_error=True)
        except TimeoutError:
            limit = self.settings.timeout_seconds
            return self._failed(f"{name}: no result within {limit:g} s; it was told to stop")
        except Exception as error:  # the edge of the tool: whatever the package raises
            return self._failed(f"{name}: {self._reason(error, client)}")

    def _failed(self, message: str) -> ToolResult:
        message = self._redacted(message)
        _log.warning("tool %s", message)
        return ToolResult(message, is_error=True)

    def _reason(self, error: Exception, client: "Client") -> str:
        """What a call's exception says; a lost session of `client` is entered again."""
        from mcp import MCPError

        if not isinstance(error, MCPError):
            return explained(error)[0][:_MAX_REASON]
        if any(text in error.message.lower() for text in _LOST):
            if client is self._client:
                self._client, self._lost = None, True
                self._failure = (error.message[:_MAX_REASON], FailureKind.CUT)
                self._wake.set()
            return (
                f"connection lost ({error.message[:_MAX_REASON]}); it is being made again. The "
                "call was perhaps carried out."
            )
        return f"the server answers: {error.message[:_MAX_REASON]}"

    async def _own(self) -> None:
        pause_s = self._first_pause_s
        while not self._stopping:
            try:
                await self._session()
            except Exception as error:  # out of the transport's task group comes anything
                self._note(error)
            if self._lost or self._client is not None:
                pause_s = self._first_pause_s
            self._client = None
            self._settled.set()
            self._wake.clear()
            if not self._stopping:
                await self._woken(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    async def _session(self) -> None:
        """Connect, and keep the list of tools current until the session is lost or to be ended."""
        self._lost, self._status, self._last_line = False, 0, ""
        self._wake.clear()
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(_CONNECT_S):
                client = await self._entered(stack)
                await self._list(client)
            self._client, self._status = client, 0
            _log.info("mcp %s: %d tools", self.name, len(self.tools))
            self._settled.set()
            while self._is_current():
                await self._woken(self._refresh_s)
                # Before the list is read: it may change again meanwhile.
                self._wake.clear()
                if self._is_current():
                    async with asyncio.timeout(_CONNECT_S):
                        await self._list(client)

    def _is_current(self) -> bool:
        return not (self._stopping or self._lost)

    async def _entered(self, stack: AsyncExitStack) -> "Client":
        from mcp import Client

        if self.settings.url is not None:
            seconds = self.settings.timeout_seconds
            transport = await by_http(
                stack, self.settings.url, self._headers, seconds, self._on_status
            )
        else:
            assert self.settings.command is not None
            transport = await by_process(stack, self.settings.command, self._headers, self._on_line)
        # Without its cache: the list is read in order to see what changed.
        client = Client(transport, message_handler=self._on_message, cache=None)
        return await stack.enter_async_context(client)

    async def _list(self, client: "Client") -> None:
        tools = await listed(client)
        if tools != self._listed:
            self.tools = await asyncio.to_thread(made, tools, self)
            self._listed = tools

    async def _on_message(self, message: object) -> None:
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._wake.set()

    def _on_status(self, status: int) -> None:
        if self._client is None:
            self._status = status

    def _on_line(self, text: str) -> None:
        """A line of the program's stderr: logged; the last one says why it ended."""
        text = self._redacted(text)
        _log.debug("mcp %s: %s", self.name, text)
        self._last_line = text.strip() or self._last_line

    async def _woken(self, seconds: float) -> None:
        """Wait until someone wakes the owner, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _note(self, error: Exception) -> None:
        reason, kind = explained(error)
        if self._status in (401, 403):
            reason, kind = f"HTTP status {self._status}", FailureKind.UNAUTHORIZED
        elif self._status == 404:
            reason, kind = "HTTP status 404: no MCP server at this path", FailureKind.NOT_FOUND
        elif self._status >= 500:
            reason, kind = f"HTTP status {self._status}", FailureKind.SERVER_ERROR
        elif self.settings.command is not None and self._last_line:
            reason = f"{reason}; the last line of its stderr: {self._last_line}"
        self._failure = (self._redacted(reason)[:_MAX_REASON], kind)
        _log.warning("mcp %s: %s", self.name, self._failure[0])
