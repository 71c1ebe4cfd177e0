"""A Wyoming server on loopback whose answers a test writes: for faults that real ones lack."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from wyoming.event import Event, async_read_event, async_write_event

LINE_HZ = 8000
PCM_FORMAT: dict[str, Any] = {"rate": 22_050, "width": 2, "channels": 1}


class Peer:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> Event:
        """The client's next event.

        Raises:
            EOFError: the client has closed.
        """
        with suppress(ConnectionError):
            if (event := await async_read_event(self._reader)) is not None:
                return event
        raise EOFError

    async def read_until(self, kind: str) -> list[Event]:
        """The client's events up to one of this type. Raises as `read`."""
        events = [await self.read()]
        while events[-1].type != kind:
            events.append(await self.read())
        return events

    async def read_all(self) -> None:
        """Read until the client has closed."""
        with suppress(EOFError):
            while True:
                await self.read()

    async def write(self, kind: str, /, payload: bytes | None = None, **data: Any) -> None:
        """Send an event. Raises as `read`."""
        try:
            await async_write_event(Event(kind, data, payload), self._writer)
        except ConnectionError:
            raise EOFError from None

    async def write_audio(self, pcm: bytes, **changes: Any) -> None:
        """Send the audio of one answer."""
        form = PCM_FORMAT | changes
        await self.write("audio-start", **form)
        await self.write("audio-chunk", pcm, **form)
        await self.write("audio-stop")

    async def write_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()


Script = Callable[[Peer], Awaitable[None]]


class FaultyServer:
    """Runs `script` for each connection, until it returns or the client closes."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.address = ""
        self.connections = 0
        self._open = 0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FaultyServer"]:
        """Listen on a free port; in the end, wait until all scripts have ended."""
        tasks: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            self._count(1)
            try:
                with suppress(EOFError):
                    await self._script(Peer(reader, writer))
            finally:
                writer.close()
                tasks.discard(task)
                self._count(-1)

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            self.address = f"{host}:{port}"
            yield self
            await asyncio.gather(*tasks)

    async def has(self, connections: int) -> None:
        """Return once so many connections are open."""
        while self._open != connections:
            self._changed.clear()
            await self._changed.wait()

    def _count(self, change: int) -> None:
        self.connections += max(0, change)
        self._open += change
        self._changed.set()
