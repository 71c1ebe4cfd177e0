"""UDP on the loopback interface, ports chosen by the system."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

HOST = "127.0.0.1"
MAX_WAITING = 1000
"""Datagrams of RTP that nobody has taken yet: ten seconds of packets of 10 ms. The oldest goes."""

Address = tuple[str, int]


class UdpSocket(asyncio.DatagramProtocol):
    """One open socket. `take` is given each datagram with its sender, as it comes."""

    def __init__(self, take: Callable[[bytes, Address], None]) -> None:
        self._take = take
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> Address:
        """Local host and port."""
        host, port = self._open.get_extra_info("sockname")
        return str(host), int(port)

    def send(self, data: bytes, to: Address) -> None:
        """Send one datagram; never waits."""
        self._open.sendto(data, to)

    def close(self) -> None:
        """Close the socket."""
        self._open.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of Python 3.11 is no subclass, though it has all of it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._take(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed: what waits for it has a deadline."""

    @property
    def _open(self) -> asyncio.DatagramTransport:
        assert self._transport is not None
        return self._transport


async def open_udp(take: Callable[[bytes, Address], None]) -> UdpSocket:
    """A socket; whoever opens it closes it."""
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_datagram_endpoint(lambda: UdpSocket(take), local_addr=(HOST, 0))
    return socket


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came, when, and from where."""

    at_ns: int
    data: bytes
    sender: Address


@dataclass(frozen=True, slots=True)
class RtpSocket:
    """A socket whose datagrams wait, with the time at which they came; see `rtp_socket`."""

    udp: UdpSocket
    waiting: deque[Datagram]
    """For whoever owns the socket to take from."""

    @property
    def port(self) -> int:
        """The local port."""
        return self.udp.address[1]


@asynccontextmanager
async def rtp_socket(clock_ns: Callable[[], int]) -> AsyncIterator[RtpSocket]:
    """An open socket; closed on leaving."""
    waiting: deque[Datagram] = deque(maxlen=MAX_WAITING)
    udp = await open_udp(lambda data, sender: waiting.append(Datagram(clock_ns(), data, sender)))
    try:
        yield RtpSocket(udp, waiting)
    finally:
        udp.close()
