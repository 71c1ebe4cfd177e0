"""UDP on the loopback interface, ports chosen by the system."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

HOST = "127.0.0.1"

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
