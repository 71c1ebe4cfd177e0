"""UDP on one address of this machine, ports chosen by the system."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

HOST = "127.0.0.1"
"""Where everything is that is not told otherwise."""
_ANY_PORT = 9

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


async def open_udp(take: Callable[[bytes, Address], None], host: str = HOST) -> UdpSocket:
    """A socket on the local address `host`; whoever opens it closes it."""
    loop = asyncio.get_running_loop()
    _, opened = await loop.create_datagram_endpoint(lambda: UdpSocket(take), local_addr=(host, 0))
    return opened


def reaches(server_host: str) -> str:
    """The address by which this machine reaches `server_host`, and by which that one answers.

    Raises:
        OSError: there is no way there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server_host, _ANY_PORT))  # sends nothing: UDP
        return str(sock.getsockname()[0])
