"""One connection over a real loopback socket; the time is an argument, so nothing waits for it."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from media_pod.transport.audiosocket.connection import (
    MAX_FRAMES_PER_READ,
    READ_BYTES,
    STALL_S,
    Connection,
    State,
)
from media_pod.transport.audiosocket.frames import HANGUP, Decoder, Frame, Kind, encode

AUDIO = Frame(Kind.SLIN, bytes(range(160)) * 2)
ROW = encode(AUDIO)
HANGUP_BYTES = encode(HANGUP)


@dataclass
class Line:
    """A connection, the Asterisk at its other end, and who was told of its end."""

    connection: Connection
    asterisk: socket.socket
    told: list[Connection]

    def ended(self) -> str | None:
        return self.connection.ended

    def received(self) -> bytes:
        """What reaches Asterisk until the pod has nothing more for it."""
        self.asterisk.setblocking(False)
        got = b""
        try:
            while data := self.asterisk.recv(65536):
                got += data
        except BlockingIOError:
            pass
        return got


@pytest.fixture
def line() -> Iterator[Line]:
    told: list[Connection] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asterisk = socket.socket()
        asterisk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asterisk.connect(listener.getsockname())
        sock, _ = listener.accept()
    asterisk.settimeout(5)
    connection = Connection(sock, "a test", told.append)
    with asterisk:
        yield Line(connection, asterisk, told)
    connection.close()


def block(line: Line) -> int:
    """Send until nothing more fits; how many rows fitted."""
    rows = 0
    dropped = line.connection.dropped_rows
    while line.connection.dropped_rows == dropped:
        line.connection.send(ROW)
        rows += 1
    return rows - 1


def test_frames_go_both_ways(line: Line) -> None:
    digit = Frame(Kind.DTMF, b"7")
    line.asterisk.sendall(ROW + encode(digit))
    assert line.connection.read(0.0) == [AUDIO, digit]
    assert line.connection.read(0.02) == []
    line.connection.send(memoryview(ROW))
    assert line.received() == ROW
    assert line.ended() is None
    assert line.connection.state is State.OPEN


def test_a_row_may_be_overwritten_once_sent(line: Line) -> None:
    row = bytearray(encode(Frame(Kind.SLIN, b"\x01\x01" * 20000)))
    line.connection.send(memoryview(row))
    row[:] = bytes(len(row))
    got = line.received()
    while len(got) < len(row):
        line.connection.send(b"")
        got += line.received()
    assert Decoder(65535).feed(got) == [Frame(Kind.SLIN, b"\x01\x01" * 20000)]


def test_frames_are_never_torn_by_a_peer_that_reads_late(line: Line) -> None:
    decoder = Decoder()
    got: list[Frame] = []
    for number in range(600):
        payload = number.to_bytes(2, "little") * 160
        line.connection.send(encode(Frame(Kind.SLIN, payload)))
        if number % 100 > 60:
            got += decoder.feed(line.received())
    got += decoder.feed(line.received())
    assert decoder.pending == 0
    assert len(got) == 600 - line.connection.dropped_rows
    assert line.connection.dropped_rows > 0
    numbers = [int.from_bytes(frame.payload[:2], "little") for frame in got]
    assert numbers == sorted(set(numbers))


def test_a_peer_that_never_reads_is_given_up(line: Line) -> None:
    # The kernels on both sides keep less than 4 s of audio, and Asterisk's part of it is its own.
    assert block(line) < 200
    line.connection.read(10.0)
    line.connection.read(10.0 + STALL_S)
    assert line.ended() is None
    line.connection.read(10.02 + STALL_S)
    assert line.ended() == "the peer took nothing for 2 s"
    assert line.connection.state is State.CLOSING
    assert line.told == [line.connection]


def test_a_peer_that_reads_again_in_time_keeps_its_call(line: Line) -> None:
    block(line)
    line.connection.read(10.0)
    line.received()
    for _ in range(4):
        line.connection.send(ROW)
    line.connection.read(10.1 + STALL_S)
    block(line)
    line.connection.read(10.2 + STALL_S)
    assert line.ended() is None, "the deadline begins anew"


def test_half_a_frame_for_too_long_ends_the_call(line: Line) -> None:
    line.asterisk.sendall(ROW[:100])
    line.connection.read(1.0)
    line.asterisk.sendall(ROW[100:101])
    line.connection.read(1.0 + STALL_S)
    assert line.ended() is None
    line.asterisk.sendall(ROW[101:102])
    assert line.connection.read(1.02 + STALL_S) == []
    assert line.ended() == "read 102 bytes of a frame, expected the rest of it within 2 s"
    assert line.received() == HANGUP_BYTES


def test_silence_of_the_caller_is_legal_for_any_time(line: Line) -> None:
    line.asterisk.sendall(ROW)
    assert line.connection.read(0.0) == [AUDIO]
    assert line.connection.read(3600.0) == []
    line.asterisk.sendall(ROW)
    assert line.connection.read(3600.1) == [AUDIO]


def test_frames_cut_anywhere_are_put_together(line: Line) -> None:
    got: list[Frame] = []
    for number, part in enumerate((ROW[:1], ROW[1:200], ROW[200:] + ROW[:2], ROW[2:])):
        line.asterisk.sendall(part)
        got += line.connection.read(1.5 * number)
    assert got == [AUDIO, AUDIO]


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (HANGUP_BYTES, "the peer sent a hangup frame"),
        (b"\xff\x00\x01\x04", "the peer sent error 04"),
        (b"\xff\x00\x00", "the peer sent error without a code"),
        (
            encode(Frame(Kind.UUID, bytes(16))),
            "read a second UUID, expected audio, DTMF or hangup",
        ),
        (b"\x01\x00\x05", "read 5 bytes of UUID payload, expected 16"),
    ],
)
def test_what_ends_a_call_keeps_the_frames_before_it(line: Line, wire: bytes, reason: str) -> None:
    line.asterisk.sendall(ROW + wire + ROW)
    assert line.connection.read(0.0) == [AUDIO]
    assert line.ended() == reason
    assert line.connection.state is State.CLOSING
    assert line.told == [line.connection]
    assert line.received() == HANGUP_BYTES


def test_the_end_of_the_stream_ends_the_call(line: Line) -> None:
    line.asterisk.sendall(ROW)
    line.asterisk.shutdown(socket.SHUT_WR)
    assert line.connection.read(0.0) == [AUDIO]
    assert line.ended() is None
    assert line.connection.read(0.02) == []
    assert line.ended() == "the peer closed"
    assert line.connection.state is State.CLOSED


def test_the_end_of_the_stream_inside_a_frame(line: Line) -> None:
    line.asterisk.sendall(ROW[:13])
    line.asterisk.shutdown(socket.SHUT_WR)
    line.connection.read(0.0)
    line.connection.read(0.02)
    assert line.ended() == (
        "read the end of the stream after 10 bytes of SLIN payload, expected 320"
    )


@pytest.mark.parametrize("by_sending", [False, True])
def test_a_connection_that_is_reset(line: Line, by_sending: bool) -> None:
    line.asterisk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.asterisk.close()
    if by_sending:
        line.connection.send(ROW)
    else:
        line.connection.read(0.0)
    assert line.ended() == "the connection was lost: Connection reset by peer"
    assert line.connection.state is State.CLOSED
    line.connection.send(ROW)
    line.connection.hang_up()
    assert line.connection.read(1.0) == []
    assert line.told == [line.connection]


def test_a_flood_is_read_a_little_at_a_time(line: Line) -> None:
    line.asterisk.sendall(ROW * 100)
    frames = line.connection.read(0.0)
    assert len(frames) == READ_BYTES // len(ROW)
    assert line.ended() is None


def test_a_flood_of_tiny_frames_ends_its_call(line: Line) -> None:
    line.asterisk.sendall(b"\x03\x00\x011" * (MAX_FRAMES_PER_READ + 1))
    line.connection.read(0.0)
    assert line.ended() == "read 65 frames at once, expected at most 64"


def test_hanging_up_sends_the_hangup_frame_once(line: Line) -> None:
    line.connection.send(ROW)
    line.connection.hang_up()
    line.connection.hang_up("again")
    line.connection.send(ROW)
    assert line.received() == ROW + HANGUP_BYTES
    assert line.ended() == "the bot hung up"
    assert line.told == [line.connection]


async def test_audio_that_comes_after_the_hangup_is_read_so_that_nothing_is_reset(
    line: Line,
) -> None:
    line.asterisk.sendall(ROW * 10)
    line.connection.hang_up()
    line.asterisk.sendall(ROW * 10)
    line.asterisk.shutdown(socket.SHUT_WR)
    await line.connection.drain(5.0)
    assert line.connection.state is State.CLOSED
    line.asterisk.settimeout(5)
    assert line.asterisk.recv(100) == HANGUP_BYTES
    assert line.asterisk.recv(100) == b"", "a reset would raise here"


async def test_a_peer_that_does_not_close_is_drained_for_so_long(line: Line) -> None:
    line.connection.hang_up()
    await line.connection.drain(0.01)
    assert line.connection.state is State.CLOSED


async def test_the_hangup_frame_waits_behind_rows_that_have_not_left(line: Line) -> None:
    big = encode(Frame(Kind.SLIN, bytes(60000)))
    line.connection.send(big)
    line.connection.hang_up()
    got = line.received()
    assert len(got) < len(big)
    line.asterisk.setblocking(True)
    line.asterisk.settimeout(5)

    def read_all() -> bytes:
        rest = b""
        while len(got) + len(rest) < len(big) + len(HANGUP_BYTES):
            rest += line.asterisk.recv(65536)
        line.asterisk.shutdown(socket.SHUT_WR)
        return rest

    reader = asyncio.create_task(asyncio.to_thread(read_all))
    await line.connection.drain(5.0)
    assert got + await reader == big + HANGUP_BYTES
