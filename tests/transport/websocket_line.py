"""A WebSocket connection of the pod, and the Asterisk at its other end, over a socket pair."""

import socket
from collections.abc import Iterator
from uuid import UUID

import pytest

from asterisk_web_socket import START, WebSocketAsterisk
from media_pod.duplex.contract import Pcm
from media_pod.transport.line import LineEvent
from media_pod.transport.socket import CallSocket
from media_pod.transport.websocket.protocol import WebSocketProtocol

CALL = UUID("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")
SILENCE = bytes(320)


def frame(value: int) -> bytes:
    return value.to_bytes(2, "little") * 160


class Line:
    """A connection, and the Asterisk at its other end."""

    def __init__(self, rate_hz: int = 8000, kind: int = socket.SOCK_STREAM) -> None:
        near, self.sock = socket.socketpair(socket.AF_UNIX, kind)
        self.sock.settimeout(5)
        self.on_end_calls: list[CallSocket] = []
        self.protocol = WebSocketProtocol(rate_hz, "a test")
        self.connection = CallSocket(near, self.protocol, self.on_end_calls.append)
        self.asterisk = WebSocketAsterisk(CALL)

    def upgrade(self) -> None:
        assert self.protocol.receive_hello(self.asterisk.request()) == CALL
        self.connection.accept()
        self.hear()

    def begin(self) -> "Line":
        self.upgrade()
        self.say(START)
        assert self.read(0.0) == []
        return self

    def say(self, *messages: dict[str, object] | bytes) -> None:
        self.sock.sendall(self.asterisk.says(*messages))

    def tick(self, *values: int) -> list[int]:
        """One tick per value, as the clock has it; what Asterisk plays in each."""
        played = []
        for value in values:
            for _ in range(self.connection.frames_needed - 1):
                self.connection.send(frame(0))
            self.connection.send(frame(value))
            played.append(int(self.playing()[0]))
        return played

    def report(self, mark: int) -> None:
        """Asterisk reports that it has played up to the mark in front of a frame."""
        self.say({"event": "MEDIA_MARK_PROCESSED", "correlation_id": str(mark)})
        self.read(0.0)

    def playing(self) -> Pcm:
        playing = self.connection.playing()
        assert playing is not None, "a line with a queue knows what it plays"
        return playing

    def read(self, now: float) -> list[LineEvent]:
        return list(self.connection.read(now))

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
