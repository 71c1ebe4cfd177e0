"""UDP sockets on this machine, ports chosen by the system: for SIP, and for RTP.

The RTP socket returns every datagram with its arrival time: the kernel's timestamp where the
system has one (Linux). So a telephone whose process was delayed still knows when each packet
arrived, and a busy machine does not look like a bad network.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

HOST = "127.0.0.1"
"""The default address."""
_ANY_PORT = 9

Address = tuple[str, int]


class UdpSocket(asyncio.DatagramProtocol):
    """One open socket. `take` receives each datagram with its sender."""

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
        """The other side's port is closed; waits for it have deadlines."""

    @property
    def _open(self) -> asyncio.DatagramTransport:
        assert self._transport is not None
        return self._transport


async def open_udp(take: Callable[[bytes, Address], None], host: str = HOST) -> UdpSocket:
    """A socket on the local address `host`; the caller closes it."""
    loop = asyncio.get_running_loop()
    _, opened = await loop.create_datagram_endpoint(lambda: UdpSocket(take), local_addr=(host, 0))
    return opened


def reaches(server_host: str) -> str:
    """The local address that routes to `server_host`.

    Raises:
        OSError: no route.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server_host, _ANY_PORT))  # sends nothing: UDP
        return str(sock.getsockname()[0])


MAX_AT_ONCE: Final = 1000
"""Datagrams per call of `receive`: 10 s of packets of 10 ms."""
_BUFFER_BYTES: Final = 1 << 20
"""SO_RCVBUF: datagrams beyond it are lost, as in any telephone."""
_MAX_DATAGRAM: Final = 2048
_TIMESTAMPNS: Final = 35
"""SO_TIMESTAMPNS and SCM_TIMESTAMPNS of Linux, which Python's socket module does not name."""
_TIMESPEC: Final = struct.Struct("@qq")


@dataclass(frozen=True, slots=True)
class Datagram:
    """A datagram with its arrival time and sender."""

    at_ns: int
    data: bytes
    sender: Address


class RtpSocket:
    """One open socket; see `rtp_socket`.

    Args:
        sock: bound; its creator closes it.
        clock_ns: the telephone's clock.
    """

    def __init__(self, sock: socket.socket, clock_ns: Callable[[], int]) -> None:
        self._socket = sock
        self._clock_ns = clock_ns

    @property
    def address(self) -> Address:
        """Local host and port."""
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def send(self, data: bytes, to: Address) -> None:
        """Send one datagram; never blocks, and a full buffer drops it."""
        try:
            self._socket.sendto(data, to)
        except (BlockingIOError, ConnectionRefusedError):
            pass  # the other side's port is closed; waits for it have deadlines

    def receive(self) -> Iterator[Datagram]:
        """The datagrams since the last call, in order, at most `MAX_AT_ONCE`; never blocks."""
        for _ in range(MAX_AT_ONCE):
            try:
                data, extra, _, sender = self._socket.recvmsg(_MAX_DATAGRAM, 64)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # an earlier `send` found the other side's port closed
            at_ns = self._clock_ns() - _age_ns(extra)
            yield Datagram(at_ns, data, (str(sender[0]), int(sender[1])))


@contextmanager
def rtp_socket(clock_ns: Callable[[], int], host: str = HOST) -> Iterator[RtpSocket]:
    """An open socket on the local address `host`, its port the system's choice; closed after."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        if sys.platform == "linux":
            sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        sock.bind((host, 0))
        yield RtpSocket(sock, clock_ns)


def _age_ns(extra: list[tuple[int, int, bytes]]) -> int:
    """Age of a datagram by the kernel's timestamp; 0 without one."""
    for level, kind, value in extra:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            got_ns = int(seconds) * 1_000_000_000 + int(nanoseconds)
            return max(time.time_ns() - got_ns, 0)
    return 0
