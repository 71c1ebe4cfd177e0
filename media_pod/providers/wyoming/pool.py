"""Connections to one Wyoming server, of which one is always open ahead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from media_pod.providers.ports import ProviderError
from media_pod.providers.wyoming.connection import WyomingConnection


class WyomingPool:
    """Hands out connections, each for one use.

    They are not used again: recognizers close them after each utterance, and what is left of a
    cancelled request would be read as the answer to the next one.

    Args:
        address: host:port of the server.
        deadline_s: for a connection.
    """

    def __init__(self, address: str, deadline_s: float) -> None:
        self.peer = f"wyoming {address}"
        """Name of the server in messages."""
        self._address = address
        self._deadline_s = deadline_s
        self._ahead: asyncio.Task[WyomingConnection | None] | None = None
        self._closed = False

    def open_ahead(self) -> None:
        """Begin to open the next connection, if none is there. A failure shows in its use."""
        if self._ahead is None and not self._closed:
            self._ahead = asyncio.create_task(self._open_quietly(), name="wyoming: connect")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[WyomingConnection]:
        """A connection for the length of the context; the next one is opened meanwhile.

        Raises:
            ProviderError: there is none within the deadline, or the pool is closed.
        """
        if self._closed:
            raise ProviderError(f"{self.peer}: the provider is closed")
        connection = await self._taken_ahead()
        if connection is None:
            connection = await WyomingConnection.open(self._address, self._deadline_s)
        self.open_ahead()
        try:
            yield connection
        finally:
            await connection.aclose()

    async def aclose(self) -> None:
        """Close the connection that is open ahead; those in use close when their use ends."""
        self._closed = True
        await self._dismissed(self._ahead)
        self._ahead = None

    async def _taken_ahead(self) -> WyomingConnection | None:
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        try:
            connection = await asyncio.shield(ahead)
        except asyncio.CancelledError:
            await self._dismissed(ahead)
            raise
        if connection is None or connection.is_usable:
            return connection
        await connection.aclose()
        return None

    @staticmethod
    async def _dismissed(ahead: asyncio.Task[WyomingConnection | None] | None) -> None:
        if ahead is None:
            return
        ahead.cancel()
        (connection,) = await asyncio.gather(ahead, return_exceptions=True)
        if isinstance(connection, WyomingConnection):
            await connection.aclose()

    async def _open_quietly(self) -> WyomingConnection | None:
        try:
            return await WyomingConnection.open(self._address, self._deadline_s)
        except ProviderError:
            return None
