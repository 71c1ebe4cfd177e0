"""The server over real loopback sockets; its deadlines are injected, and short where awaited."""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
import uvloop

from media_pod.errors import SetupError
from media_pod.transport.audiosocket.frames import (
    HANGUP,
    AudioSocketError,
    Frame,
    FrameKind,
    encode,
)
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import Audio
from media_pod.transport.server import CallServer
from media_pod.transport.socket import CallSocket, SocketState

CALL = UUID("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")
FAULTY = UUID(int=13)
HELLO = encode(Frame(FrameKind.UUID, CALL.bytes))
SILENCE = bytes(320)
FRAME = encode(Frame(FrameKind.SLIN, SILENCE))
HANGUP_BYTES = encode(HANGUP)

Admitted = asyncio.Queue[tuple[CallSocket, UUID]]


@asynccontextmanager
async def serving(
    *,
    admit: Callable[[CallSocket, UUID], None] | None = None,
    uuid_timeout_s: float = 5.0,
    drain_timeout_s: float = 5.0,
    max_handshakes: int = 8,
    max_drains: int = 8,
) -> AsyncIterator[tuple[CallServer, Admitted]]:
    """A server whose calls arrive in a queue; no task is left when it is closed."""
    admitted: Admitted = asyncio.Queue()
    server = CallServer(
        admit or (lambda connection, call: admitted.put_nowait((connection, call))),
        AudioSocketProtocol,
        rate_hz=8000,
        host="127.0.0.1",
        port=0,
        uuid_timeout_s=uuid_timeout_s,
        drain_timeout_s=drain_timeout_s,
        max_handshakes=max_handshakes,
        max_drains=max_drains,
    )
    await server.start()
    try:
        yield server, admitted
    finally:
        await server.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}


class Endings(logging.Handler):
    """The log lines of ended connections, to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = asyncio.Queue[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())


@pytest.fixture
def endings() -> Iterator[Endings]:
    handler = Endings()
    logger = logging.getLogger("media_pod.transport.socket")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


async def dial(server: CallServer, first: bytes = HELLO) -> socket.socket:
    asterisk = socket.socket()
    asterisk.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(asterisk, ("127.0.0.1", server.port))
    await loop.sock_sendall(asterisk, first)
    return asterisk


async def until_closed(asterisk: socket.socket) -> bytes:
    """What comes until the server closes; a reset raises."""
    loop = asyncio.get_running_loop()
    got = b""
    async with asyncio.timeout(5):
        while data := await loop.sock_recv(asterisk, 4096):
            got += data
            if got.endswith(HANGUP_BYTES):
                asterisk.shutdown(socket.SHUT_WR)
    return got


async def a_call_from_hello_to_hangup() -> None:
    loop = asyncio.get_running_loop()
    async with serving() as (server, admitted):
        with await dial(server, HELLO + FRAME + FRAME[:50]) as asterisk:
            connection, call = await admitted.get()
            assert call == CALL
            assert server.connections == 1
            assert connection.read(0.0) == [Audio(SILENCE)]
            connection.send(SILENCE)
            assert await loop.sock_recv(asterisk, 4096) == FRAME
            connection.hang_up()
            assert server.connections == 0
            assert await until_closed(asterisk) == HANGUP_BYTES
        await server.aclose()
        assert connection.state is SocketState.CLOSED


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_call_from_hello_to_hangup(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(a_call_from_hello_to_hangup())


async def test_a_uuid_that_comes_in_pieces() -> None:
    loop = asyncio.get_running_loop()
    async with serving() as (server, admitted):
        with await dial(server, HELLO[:1]) as asterisk:
            for part in (HELLO[1:3], HELLO[3:10], HELLO[10:] + FRAME):
                await loop.sock_sendall(asterisk, part)
            connection, call = await admitted.get()
            assert call == CALL
            assert len(connection.read(0.0)) == 1


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (FRAME, "read a frame of kind 0x10, expected 0x01 (UUID)"),
        (b"GET / HTTP/1.1\r\n\r\n", "read a frame of kind 0x47, expected 0x01 (UUID)"),
        (b"\x01\x00\x0f" + bytes(15), "read 15 bytes of UUID payload, expected 16"),
    ],
)
async def test_a_connection_that_does_not_begin_with_a_uuid(
    first: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as (server, admitted):
        with await dial(server, first) as asterisk:
            assert await until_closed(asterisk) == HANGUP_BYTES
            peer = "{}:{}".format(*asterisk.getsockname())
        assert admitted.empty()
    assert [record.getMessage() for record in caplog.records] == [
        f"connection of {peer} ended: refused: {reason}"
    ]


async def closes_at_once(asterisk: socket.socket) -> None:
    asterisk.close()


async def resets_at_once(asterisk: socket.socket) -> None:
    asterisk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asterisk.close()


async def waits(asterisk: socket.socket) -> None:
    assert await until_closed(asterisk) == HANGUP_BYTES


@pytest.mark.parametrize(
    ("first", "goes_on", "reason"),
    [
        (b"", closes_at_once, "read the end of the stream, expected a UUID frame"),
        (
            HELLO[:9],
            closes_at_once,
            "read the end of the stream after 6 bytes of UUID payload, expected 16",
        ),
        (HELLO[:9], resets_at_once, "Connection reset by peer"),
        (HELLO[:9], waits, "read no UUID within 0.01 s"),
        (b"", waits, "read no UUID within 0.01 s"),
    ],
)
async def test_a_connection_that_ends_or_waits_before_its_uuid(
    first: bytes,
    goes_on: Callable[[socket.socket], Awaitable[None]],
    reason: str,
    endings: Endings,
) -> None:
    deadline_s = 0.01 if goes_on is waits else 5.0
    async with serving(uuid_timeout_s=deadline_s) as (server, _):
        with await dial(server, first) as asterisk:
            await asyncio.wait_for(goes_on(asterisk), 5)
        line = await asyncio.wait_for(endings.lines.get(), 5)
    assert line.endswith(f" ended: refused: {reason}")


async def test_a_call_that_is_not_admitted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def admit(connection: CallSocket, call: UUID) -> None:
        raise AudioSocketError(f"read UUID {call}, expected one that was announced")

    async with serving(admit=admit) as (server, _):
        with await dial(server, HELLO + FRAME * 20) as asterisk:
            assert await until_closed(asterisk) == HANGUP_BYTES
        assert server.connections == 0
    assert (
        caplog.records[0]
        .getMessage()
        .endswith(f"refused: read UUID {CALL}, expected one that was announced")
    )


async def test_a_bug_in_admission_ends_that_connection_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    admitted: Admitted = asyncio.Queue()

    def admit(connection: CallSocket, call: UUID) -> None:
        if call == FAULTY:
            raise ZeroDivisionError
        admitted.put_nowait((connection, call))

    async with serving(admit=admit) as (server, _):
        faulty = encode(Frame(FrameKind.UUID, FAULTY.bytes))
        with await dial(server, faulty) as first, await dial(server) as second:
            assert await until_closed(first) == HANGUP_BYTES
            assert (await admitted.get())[0].ended is None
            assert server.connections == 1
            second.close()
    assert [record.getMessage() for record in caplog.records] == ["internal error"]


async def test_silent_connections_make_room_for_new_ones() -> None:
    async with serving(max_handshakes=2) as (server, admitted):
        silent = [await dial(server, b"") for _ in range(3)]
        assert await until_closed(silent[0]) == HANGUP_BYTES
        with await dial(server) as asterisk:
            assert (await admitted.get())[1] == CALL
            assert await until_closed(silent[1]) == HANGUP_BYTES
            asterisk.close()
            silent[2].close()
        for sock in silent:
            sock.close()


async def test_peers_that_do_not_close_make_room_for_new_ones() -> None:
    async with serving(max_drains=1, drain_timeout_s=60.0) as (server, admitted):
        stubborn = await dial(server)
        (await admitted.get())[0].hang_up()
        other = await dial(server)
        (await admitted.get())[0].hang_up()
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(stubborn, 100) == HANGUP_BYTES
        assert await asyncio.wait_for(loop.sock_recv(stubborn, 100), 5) == b""
        stubborn.close()
        other.close()


async def test_shutting_down_ends_the_calls_politely() -> None:
    async with serving() as (server, admitted):
        with await dial(server) as asterisk, await dial(server, HELLO[:5]) as half:
            connection, _ = await admitted.get()
            closing = asyncio.create_task(server.aclose())
            assert await until_closed(asterisk) == HANGUP_BYTES
            assert await until_closed(half) == HANGUP_BYTES
            await closing
            assert connection.ended == "the pod shuts down"
            assert connection.state is SocketState.CLOSED
            with socket.socket() as late, pytest.raises(ConnectionRefusedError):
                late.connect(("127.0.0.1", server.port))


async def test_a_port_in_use() -> None:
    async with serving() as (server, _):
        other = CallServer(
            lambda connection, call: None,
            AudioSocketProtocol,
            rate_hz=8000,
            host="127.0.0.1",
            port=server.port,
        )
        with pytest.raises(SetupError) as caught:
            await other.start()
        assert str(caught.value) == (
            f"cannot listen for AudioSocket on 127.0.0.1:{server.port}: Address already in use; "
            "stop what uses that address, or choose another"
        )


async def test_both_families_are_served_on_the_any_address() -> None:
    server = CallServer(
        lambda connection, call: connection.hang_up(),
        AudioSocketProtocol,
        rate_hz=8000,
        host="::",
        port=0,
    )
    await server.start()
    with await dial(server) as asterisk:
        assert await until_closed(asterisk) == HANGUP_BYTES
    await server.aclose()
