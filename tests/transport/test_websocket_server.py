"""The WebSocket server over real loopback sockets, as far as `CallServer` does not have it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
import uvloop

from asterisk_web_socket import AUDIO, START, WebSocketAsterisk
from media_pod.calls.answers import FullError
from media_pod.errors import SetupError
from media_pod.transport.line import Audio, LineEvent
from media_pod.transport.server import CallServer
from media_pod.transport.socket import CallSocket, SocketState
from media_pod.transport.websocket.protocol import WebSocketProtocol

CALL = UUID("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")

Admitted = asyncio.Queue[tuple[CallSocket, UUID]]


@asynccontextmanager
async def serving(
    *,
    admit: Callable[[CallSocket, UUID], None] | None = None,
    uuid_timeout_s: float = 5.0,
) -> AsyncIterator[tuple[CallServer, Admitted]]:
    """A server whose calls arrive in a queue; no task is left when it is closed."""
    admitted: Admitted = asyncio.Queue()
    server = CallServer(
        admit or (lambda connection, call: admitted.put_nowait((connection, call))),
        WebSocketProtocol,
        rate_hz=8000,
        host="127.0.0.1",
        port=0,
        uuid_timeout_s=uuid_timeout_s,
        drain_timeout_s=5.0,
    )
    await server.start()
    try:
        yield server, admitted
    finally:
        await server.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}


class Dialled:
    """Asterisk and its socket."""

    def __init__(self, sock: socket.socket, call: UUID | str | None) -> None:
        self.sock = sock
        self.asterisk = WebSocketAsterisk(call)

    @classmethod
    async def to(cls, server: CallServer, call: UUID | str | None = CALL) -> "Dialled":
        sock = socket.socket()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
        return cls(sock, call)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def hear(self, until: Callable[[WebSocketAsterisk], object]) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while not until(self.asterisk):
                data = await loop.sock_recv(self.sock, 4096)
                self.asterisk.take(data)
                assert data, "the pod closed"

    async def until_refused(self) -> int:
        """The status of the answer; the connection is closed on both sides."""
        await self.hear(lambda asterisk: asterisk.response)
        self.sock.close()
        return self.asterisk.status


async def a_call_from_upgrade_to_hangup() -> None:
    async with serving() as (server, admitted):
        dialled = await Dialled.to(server)
        await dialled.send(dialled.asterisk.request())
        connection, call = await admitted.get()
        await dialled.hear(lambda asterisk: asterisk.response)
        assert (call, dialled.asterisk.status, server.connections) == (CALL, 101, 1)
        await dialled.send(dialled.asterisk.says(START, AUDIO))
        events: list[LineEvent] = []
        while not events:
            events = list(connection.read(0.0))
            await asyncio.sleep(0)
        assert events == [Audio(AUDIO)]

        connection.hang_up()
        assert server.connections == 0
        await dialled.hear(lambda asterisk: asterisk.close_code)
        assert dialled.asterisk.commands == ["HANGUP"]
        dialled.sock.close()
        await server.aclose()
        assert connection.state is SocketState.CLOSED


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_call_from_upgrade_to_hangup(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(a_call_from_upgrade_to_hangup())


async def test_a_request_that_comes_in_pieces() -> None:
    async with serving() as (server, admitted):
        dialled = await Dialled.to(server)
        request = dialled.asterisk.request()
        for part in (request[:1], request[1:40], request[40:]):
            await dialled.send(part)
        assert (await admitted.get())[1] == CALL
        dialled.sock.close()


@pytest.mark.parametrize("call", [None, "five", f"{CALL}&uuid={CALL}"])
async def test_an_upgrade_without_a_uuid(call: str | None) -> None:
    async with serving() as (server, admitted):
        dialled = await Dialled.to(server, call)
        await dialled.send(dialled.asterisk.request())

        assert await dialled.until_refused() == 400
        assert admitted.empty()


async def test_a_full_pod_answers_503_so_that_the_dialplan_asks_for_another() -> None:
    def admit(connection: CallSocket, call: UUID) -> None:
        raise FullError(2, 5.0)

    async with serving(admit=admit) as (server, _):
        dialled = await Dialled.to(server)
        await dialled.send(dialled.asterisk.request())

        assert await dialled.until_refused() == 503
        assert dialled.asterisk.response is not None
        assert dialled.asterisk.response.body == b"refused: all 2 slots are taken\n"
        assert server.connections == 0


async def test_a_bug_in_admission_ends_that_connection_alone() -> None:
    def admit(connection: CallSocket, call: UUID) -> None:
        raise ZeroDivisionError

    async with serving(admit=admit) as (server, _):
        dialled = await Dialled.to(server)
        await dialled.send(dialled.asterisk.request())
        assert await dialled.until_refused() == 503


@pytest.mark.parametrize("sent", [b"", b"GET /?uuid=", b"GET / HTTP/1.1\r\nHost: pod\r\n"])
async def test_a_request_that_does_not_come_in_time(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "media_pod.transport.socket")
    async with serving(uuid_timeout_s=0.01) as (server, admitted):
        dialled = await Dialled.to(server)
        await dialled.send(sent)
        await dialled.send(b"")
        data = await asyncio.get_running_loop().sock_recv(dialled.sock, 4096)

        assert data.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert admitted.empty()
        dialled.sock.close()
    (ended,) = [record.getMessage() for record in caplog.records]
    assert ended.endswith("ended: refused: read no UUID within 0.01 s")


@pytest.mark.parametrize("sent", [b"", b"GET /?uuid="])
async def test_a_peer_that_closes_before_its_request(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "media_pod.transport.socket")
    async with serving() as (server, _):
        dialled = await Dialled.to(server)
        await dialled.send(sent)
        dialled.sock.shutdown(socket.SHUT_WR)
        data = await asyncio.get_running_loop().sock_recv(dialled.sock, 4096)
        assert data[:12] in (b"HTTP/1.1 400", b"")
        dialled.sock.close()
    (ended,) = [record.getMessage() for record in caplog.records]
    assert "refused: read the end of the stream, expected an upgrade request" in ended


async def test_shutting_down_ends_the_calls_politely() -> None:
    async with serving() as (server, admitted):
        dialled = await Dialled.to(server)
        await dialled.send(dialled.asterisk.request())
        connection, _ = await admitted.get()
        closing = asyncio.create_task(server.aclose())
        await dialled.hear(lambda asterisk: asterisk.close_code)
        dialled.sock.close()
        await closing

        assert connection.ended == "the pod shuts down"


async def test_a_port_in_use() -> None:
    async with serving() as (server, _):
        other = CallServer(
            lambda connection, call: None,
            WebSocketProtocol,
            rate_hz=8000,
            host="127.0.0.1",
            port=server.port,
        )
        with pytest.raises(SetupError, match="cannot listen for WebSocket on "):
            await other.start()
