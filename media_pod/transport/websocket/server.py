"""Where chan_websocket's calls come in: a `CallServer` whose connections begin with an upgrade."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Unpack
from uuid import UUID

from media_pod.transport.server import CallServer, ServerSettings
from media_pod.transport.websocket.connection import Connection
from media_pod.transport.websocket.upgrade import UpgradeError

REQUEST_BYTES: Final = 4096
"""Read at a time; the protocol bounds a request's lines and their number."""


class MediaSocketServer(CallServer[Connection]):
    """A listening socket and the connections that came from it; see `CallServer`.

    Args:
        admit, settings: see there. A call that `admit` refuses gets 503, and its dialplan goes on.
        rate_hz: of the samples, both ways.
    """

    protocol = "WebSocket"

    def __init__(
        self,
        admit: Callable[[Connection, UUID], None],
        *,
        rate_hz: int,
        **settings: Unpack[ServerSettings],
    ) -> None:
        super().__init__(admit, **settings)
        self._rate_hz = rate_hz

    def _connection(self, sock: socket.socket, peer: str) -> Connection:
        return Connection(sock, peer, self._on_end, rate_hz=self._rate_hz, stall_s=self._stall_s)

    async def _uuid(self, connection: Connection, sock: socket.socket) -> UUID:
        loop = asyncio.get_running_loop()
        while True:
            data = await loop.sock_recv(sock, REQUEST_BYTES)
            if not data:
                raise UpgradeError("read the end of the stream, expected an upgrade request")
            uuid = connection.upgrade(data)
            if uuid is not None:
                return uuid

    def _welcome(self, connection: Connection) -> None:
        connection.welcome()
