"""A WebSocket connection of the pod, and the Asterisk at its other end, over a socket pair."""

import socket
from collections.abc import Iterator
from uuid import UUID

import pytest

from asterisk_web_socket import START, WebSocketAsterisk
from media_pod.transport.websocket.connection import Connection, row_header

CALL = UUID("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")
SILENCE = bytes(320)


def row(value: int) -> bytes:
    return row_header(320) + value.to_bytes(2, "little") * 160


class Line:
    """A connection, and the Asterisk at its other end."""

    def __init__(self, **settings: float) -> None:
        near, self.sock = socket.socketpair()
        self.sock.settimeout(5)
        self.told: list[Connection] = []
        self.connection = Connection(near, "a test", self.told.append, **settings)  # type: ignore[arg-type]
        self.asterisk = WebSocketAsterisk(CALL)

    def upgrade(self) -> None:
        assert self.connection.upgrade(self.asterisk.request()) == CALL
        self.connection.welcome()
        self.hear()

    def begin(self) -> "Line":
        self.upgrade()
        self.say(START)
        assert self.connection.read(0.0) == []
        return self

    def say(self, *messages: dict[str, object] | bytes) -> None:
        self.sock.sendall(self.asterisk.says(*messages))

    def tick(self, *values: int) -> list[int]:
        """One tick per value, as the clock has it; what Asterisk plays in each."""
        played = []
        for value in values:
            for _ in range(self.connection.wanted - 1):
                self.connection.send(row(0))
            self.connection.send(row(value))
            played.append(int(self.connection.playing()[0]))
        return played

    def hear(self) -> None:
        """Take what the pod has sent."""
        self.sock.setblocking(False)
        try:
            while data := self.sock.recv(65536):
                self.asterisk.take(data)
            self.asterisk.take(b"")
        except BlockingIOError:
            pass

    def ended(self) -> str | None:
        return self.connection.ended

    def close(self) -> None:
        self.sock.close()
        self.connection.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()
