"""Where calls come in: listens, reads the call's UUID, hands the connection over.

Accepted connections are tasks only at their two ends: until the call's UUID is read, and while an
ended call is drained. In between the pod's clock reads and writes the socket (`CallSocket`).
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from media_pod.errors import InterjectError, SetupError
from media_pod.listening import host_port, listen
from media_pod.transport.line import LineProtocol
from media_pod.transport.socket import STALL_S, CallSocket, SocketState

UUID_TIMEOUT_S: Final = 2.0
"""Asterisk sends the UUID in the same millisecond in which it connects."""
DRAIN_TIMEOUT_S: Final = 2.0
"""Asterisk closes about 1 ms after a goodbye; this leaves room for a lost packet or two."""
MAX_HANDSHAKES: Final = 128
MAX_DRAINS: Final = 256
ACCEPT_RETRY_S: Final = 0.1
"""Pause after a failed accept: out of file descriptors, and a retry at once would spin."""

_logger = logging.getLogger(__name__)


class CallServer:
    """A listening socket and the connections that came from it.

    Args:
        admit: called once per connection that has sent its UUID: takes it for that call, or raises
            `InterjectError` to refuse it. Over WebSocket a refused call gets 503, and its dialplan
            goes on.
        protocol: made for each connection.
        rate_hz: of the samples, both ways.
        host: address to listen on, as `listening.listen` takes it.
        port: 0 lets the system choose; the property `port` has its choice.
        uuid_timeout_s: how long a connection may take to send its UUID.
        drain_timeout_s: how long an ended call's peer may take to close.
        stall_s: see `transport.socket.STALL_S`.
        max_handshakes: connections that may wait for their UUID; one more closes the oldest,
            because Asterisk is never the one that takes long.
        max_drains: ended calls that may wait for their peer to close; one more closes the oldest.
    """

    def __init__(
        self,
        admit: Callable[[CallSocket, UUID], None],
        protocol: type[LineProtocol],
        *,
        rate_hz: int,
        host: str = "::",
        port: int,
        uuid_timeout_s: float = UUID_TIMEOUT_S,
        drain_timeout_s: float = DRAIN_TIMEOUT_S,
        stall_s: float = STALL_S,
        max_handshakes: int = MAX_HANDSHAKES,
        max_drains: int = MAX_DRAINS,
    ) -> None:
        self._admit = admit
        self._protocol = protocol
        self._rate_hz = rate_hz
        self._host = host
        self._port = port
        self._uuid_timeout_s = uuid_timeout_s
        self._drain_timeout_s = drain_timeout_s
        self._stall_s = stall_s
        self._listener: socket.socket | None = None
        self._acceptor: asyncio.Task[None] | None = None
        self._handshakes = _NewestTasks(max_handshakes)
        self._drains = _NewestTasks(max_drains)
        self._open: set[CallSocket] = set()

    @property
    def protocol(self) -> str:
        """The protocol's name: AudioSocket or WebSocket."""
        return self._protocol.name

    @property
    def port(self) -> int:
        """The port it listens on, after `start`."""
        return self._port

    @property
    def connections(self) -> int:
        """Connections admitted and not ended."""
        return len(self._open)

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            SetupError: cannot bind the address.
        """
        self._listener = self._listen()
        self._port = self._listener.getsockname()[1]
        self._acceptor = asyncio.create_task(self._accept(self._listener))

    async def aclose(self) -> None:
        """Stop listening, end every call with a goodbye, and wait for their peers to close.

        Afterwards no task and no socket is left.
        """
        if self._acceptor is not None:
            self._acceptor.cancel()
            with suppress(asyncio.CancelledError):
                await self._acceptor
            self._acceptor = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self._handshakes.cancel()
        for connection in tuple(self._open):
            connection.hang_up("the pod shuts down")
        await self._drains.wait()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listener)
            except OSError as error:
                _logger.warning("cannot accept a connection: %s", error)
                await asyncio.sleep(ACCEPT_RETRY_S)
                continue
            protocol = self._protocol(self._rate_hz, host_port(*address[:2]))
            connection = CallSocket(sock, protocol, self._on_end, stall_s=self._stall_s)
            self._handshakes.start(self._handshake(connection), connection.hang_up)

    async def _handshake(self, connection: CallSocket) -> None:
        try:
            async with asyncio.timeout(self._uuid_timeout_s):
                call = await connection.handshake()
            self._open.add(connection)
            self._admit(connection, call)
            connection.accept()
        except TimeoutError:
            connection.hang_up(f"refused: read no UUID within {self._uuid_timeout_s:g} s")
        except InterjectError as error:
            connection.hang_up(f"refused: {error}")
        except OSError as error:
            connection.hang_up(f"refused: {error.strerror or error}")

    def _on_end(self, connection: CallSocket) -> None:
        self._open.discard(connection)
        if connection.state is SocketState.CLOSING:
            drain = connection.drain(self._drain_timeout_s)
            self._drains.start(drain, lambda reason: connection.close())

    def _listen(self) -> socket.socket:
        host, port = self._host, self._port
        try:
            return listen(host, port)
        except OSError as error:
            # create_server appends the address to strerror, which the message has already.
            cause = str(error.strerror).partition(" (while")[0]
            raise SetupError(
                f"cannot listen for {self.protocol} on {host_port(host, port)}: {cause}; "
                "stop what uses that address, or choose another"
            ) from error


class _NewestTasks:
    """Short tasks, at most `limit` at once: one more cancels the oldest.

    `abandon`, with a reason, cleans up after a task that was cancelled or that failed. The task
    cannot do it: cancelled before its first step, it never runs, not even its `finally`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: dict[asyncio.Task[None], None] = {}
        self._cancelled: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], abandon: Callable[[str], None]) -> None:
        if len(self._running) >= self._limit:
            oldest = next(iter(self._running))
            del self._running[oldest]
            self._cancelled.add(oldest)
            oldest.cancel()
        task = asyncio.create_task(work)
        self._running[task] = None
        task.add_done_callback(lambda done: self._finish(done, abandon))

    async def cancel(self) -> None:
        for task in self._running:
            task.cancel()
        await self.wait()

    async def wait(self) -> None:
        await asyncio.gather(*self._running, *self._cancelled, return_exceptions=True)

    def _finish(self, task: asyncio.Task[None], abandon: Callable[[str], None]) -> None:
        self._running.pop(task, None)
        self._cancelled.discard(task)
        if task.cancelled():
            abandon("given up: newer connections needed its place")
        elif (error := task.exception()) is not None:
            # The edge at which a bug of `admit` stops: it costs that one connection.
            _logger.error("internal error", exc_info=error)
            abandon("refused: internal error")
