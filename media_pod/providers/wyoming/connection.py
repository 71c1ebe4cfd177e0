"""One connection to a Wyoming server: events over TCP, with a deadline for each step."""

import asyncio
import socket
from collections import deque
from contextlib import suppress
from typing import Final

from wyoming.error import Error
from wyoming.event import Event

from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.wyoming.framing import EventDecoder, encoded

READ_BYTES: Final = 1 << 15
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2),
)
"""A server that vanished without a word is noticed on a waiting connection within 25 s."""


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of "host:port"; an IPv6 address is in brackets, which are removed.

    Args:
        address: a `ServerAddress` of a manifest.
    """
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


class WyomingConnection:
    """An open connection. Closing it cancels the server's work as far as the server can.

    `open` makes one.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._peer = f"wyoming {address}"
        self._decoder = EventDecoder(self._peer)
        self._events: deque[Event] = deque()
        self._answered = False

    @classmethod
    async def open(cls, address: str, deadline_s: float) -> "WyomingConnection":
        """Connect.

        Raises:
            ProviderError: refused, or the host is not known, or the deadline passed.
        """
        host, port = host_and_port(address)
        try:
            async with asyncio.timeout(deadline_s):
                reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        except TimeoutError as error:
            raise ProviderError(
                f"wyoming {address}: no connection within {deadline_s:g} s", FailureKind.UNREACHABLE
            ) from error
        except (OSError, OverflowError) as error:
            raise ProviderError(
                f"wyoming {address}: no connection: {error}", FailureKind.UNREACHABLE
            ) from error
        for level, option, value in _KEEPALIVE:
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(level, option, value)
        return cls(reader, writer, address)

    @property
    def is_usable(self) -> bool:
        """It is open, as far as known."""
        return not (self._reader.at_eof() or self._writer.is_closing())

    @property
    def has_event(self) -> bool:
        """The next `receive` does not wait, unless it skips events."""
        return bool(self._events)

    async def send(self, deadline_s: float, *events: Event) -> None:
        """Send events, in order.

        Raises:
            ProviderError: the connection broke, or the server did not read within the deadline.
        """
        self._writer.writelines(map(encoded, events))
        try:
            async with asyncio.timeout(deadline_s):
                await self._writer.drain()
        except TimeoutError as error:
            raise ProviderError(
                f"{self._peer}: did not read {events[-1].type} within {deadline_s:g} s",
                FailureKind.TIMEOUT,
            ) from error
        except OSError as error:
            raise self._broken(str(error)) from error

    async def receive(self, deadline_s: float | None, *kinds: str) -> Event:
        """The next event of one of these types; others are skipped.

        Args:
            deadline_s: None if the caller has a deadline of its own.
            kinds: names of event types.

        Raises:
            ProviderError: an `error` event, a closed connection, bytes that are not Wyoming, or the
                deadline passed.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    event = await self._next()
                    if event.type in kinds:
                        return event
        except TimeoutError as error:
            raise ProviderError(
                f"{self._peer}: no {' or '.join(kinds)} within {deadline_s:g} s",
                FailureKind.TIMEOUT,
            ) from error

    async def _next(self) -> Event:
        while not self._events:
            self._events.extend(self._decoder.feed(await self._read()))
        event = self._events.popleft()
        if Error.is_type(event.type):
            raise self._reported(event)
        return event

    async def _read(self) -> bytes:
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as error:
            raise self._broken(str(error)) from error
        if not data:
            within = " within an event" if self._decoder.mid_event else ""
            raise self._broken(f"closed by the server{within}")
        self._answered = True
        return data

    def _broken(self, reason: str) -> ProviderError:
        kind = FailureKind.CUT if self._answered else FailureKind.UNREACHABLE
        when = "before its answer was whole" if self._answered else "before an answer"
        return ProviderError(f"{self._peer}: connection ended {when}: {reason}", kind)

    def _reported(self, event: Event) -> ProviderError:
        text, code = str(event.data.get("text", "")), str(event.data.get("code") or "")
        # Servers put the name of a Python exception into the code, such as VoiceNotFoundError.
        unknown = "notfound" in code.lower().replace("_", "") or "not found" in text.lower()
        return ProviderError(
            f"{self._peer} reports {' '.join(f'{code} {text}'.split())[:300]!r}",
            FailureKind.NOT_FOUND if unknown else FailureKind.SERVER_ERROR,
        )

    def bad_answer(self, found: str) -> ProviderError:
        """The error to raise for an answer that has the right form and the wrong content."""
        return ProviderError(f"{self._peer}: {found}", FailureKind.BAD_ANSWER)

    async def aclose(self) -> None:
        """Close at once; what was not sent is dropped."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()
