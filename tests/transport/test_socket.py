"""One connection over a real loopback socket; the time is an argument, so nothing waits for it."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from media_pod.transport.audiosocket.frames import HANGUP, Decoder, Frame, FrameKind, encode
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import MAX_FRAMES_PER_READ, READ_BYTES, Audio, Digit, LineEvent
from media_pod.transport.socket import STALL_S, CallSocket, SocketState

PCM = bytes(range(160)) * 2
WIRE = encode(Frame(FrameKind.SLIN, PCM))
WIDE_BYTES = 7680
"""20 ms at 192 kHz: frames of which the socket takes a part."""
HANGUP_BYTES = encode(HANGUP)


@dataclass
class Line:
    """A connection, the Asterisk at its other end, and the calls of `on_end`."""

    connection: CallSocket
    asterisk: socket.socket
    on_end_calls: list[CallSocket]

    def ended(self) -> str | None:
        return self.connection.ended

    def read(self, now: float) -> list[LineEvent]:
        return list(self.connection.read(now))

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


def connected(rate_hz: int) -> Iterator[Line]:
    on_end_calls: list[CallSocket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asterisk = socket.socket()
        asterisk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asterisk.connect(listener.getsockname())
        sock, _ = listener.accept()
    asterisk.settimeout(5)
    connection = CallSocket(sock, AudioSocketProtocol(rate_hz, "a test"), on_end_calls.append)
    with asterisk:
        yield Line(connection, asterisk, on_end_calls)
    connection.close()


@pytest.fixture
def line() -> Iterator[Line]:
    yield from connected(8000)


@pytest.fixture
def wide() -> Iterator[Line]:
    yield from connected(192_000)


def block(line: Line, frame: bytes = PCM) -> int:
    """Send until nothing more fits; how many frames fitted."""
    frames = 0
    dropped = line.connection.dropped_frames
    while line.connection.dropped_frames == dropped:
        line.connection.send(frame)
        frames += 1
    return frames - 1


def test_frames_go_both_ways(line: Line) -> None:
    line.asterisk.sendall(WIRE + encode(Frame(FrameKind.DTMF, b"7")))
    assert line.read(0.0) == [Audio(PCM), Digit("7")]
    assert line.read(0.02) == []
    line.connection.send(memoryview(PCM))
    assert line.received() == WIRE
    assert line.ended() is None
    assert line.connection.state is SocketState.OPEN


def test_a_frame_leaves_in_one_write() -> None:
    # Datagrams, because they keep apart what was written apart.
    near, asterisk = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    connection = CallSocket(near, AudioSocketProtocol(8000, "a test"), lambda _: None)
    with asterisk:
        connection.send(PCM)
        connection.send(memoryview(PCM))
        assert [asterisk.recv(4096), asterisk.recv(4096)] == [WIRE, WIRE]
    connection.close()


def test_a_frame_may_be_overwritten_once_sent(wide: Line) -> None:
    frame = bytearray(WIDE_BYTES)
    number = 0
    while not wide.connection.dropped_frames:
        number += 1
        frame[:] = bytes([number]) * WIDE_BYTES
        wide.connection.send(memoryview(frame))
    frame[:] = bytes(WIDE_BYTES)
    decoder = Decoder()
    got = decoder.feed(wide.received())
    assert decoder.pending, "the last frame left in part"
    while len(got) < number:
        wide.connection.send(memoryview(frame))
        got += decoder.feed(wide.received())

    sent = [Frame(FrameKind.SLIN192, bytes([n]) * WIDE_BYTES) for n in range(1, number)]
    assert got[: number - 1] == sent


def test_frames_are_never_torn_by_a_peer_that_reads_late(line: Line) -> None:
    decoder = Decoder()
    got: list[Frame] = []
    for number in range(600):
        line.connection.send(number.to_bytes(2, "little") * 160)
        if number % 100 > 60:
            got += decoder.feed(line.received())
    got += decoder.feed(line.received())
    assert decoder.pending == 0
    assert len(got) == 600 - line.connection.dropped_frames
    assert line.connection.dropped_frames > 0
    numbers = [int.from_bytes(frame.payload[:2], "little") for frame in got]
    assert numbers == sorted(set(numbers))


def test_a_peer_that_never_reads_is_given_up(line: Line) -> None:
    # The kernels on both sides keep less than 4 s of audio, and Asterisk's part of it is its own.
    assert block(line) < 200
    line.read(10.0)
    line.read(10.0 + STALL_S)
    assert line.ended() is None
    line.read(10.02 + STALL_S)
    assert line.ended() == "the peer took nothing for 2 s"
    assert line.connection.state is SocketState.CLOSING
    assert line.on_end_calls == [line.connection]


def test_a_peer_that_reads_again_in_time_keeps_its_call(line: Line) -> None:
    block(line)
    line.read(10.0)
    line.received()
    for _ in range(4):
        line.connection.send(PCM)
    line.read(10.1 + STALL_S)
    block(line)
    line.read(10.2 + STALL_S)
    assert line.ended() is None, "the deadline begins anew"


def test_half_a_frame_for_too_long_ends_the_call(line: Line) -> None:
    line.asterisk.sendall(WIRE[:100])
    line.read(1.0)
    line.asterisk.sendall(WIRE[100:101])
    line.read(1.0 + STALL_S)
    assert line.ended() is None
    line.asterisk.sendall(WIRE[101:102])
    assert line.read(1.02 + STALL_S) == []
    assert line.ended() == "read 102 bytes of a frame, expected the rest of it within 2 s"
    assert line.received() == HANGUP_BYTES


def test_silence_of_the_caller_is_legal_for_any_time(line: Line) -> None:
    line.asterisk.sendall(WIRE)
    assert line.read(0.0) == [Audio(PCM)]
    assert line.read(3600.0) == []
    line.asterisk.sendall(WIRE)
    assert line.read(3600.1) == [Audio(PCM)]


def test_frames_cut_anywhere_are_put_together(line: Line) -> None:
    got: list[LineEvent] = []
    for number, part in enumerate((WIRE[:1], WIRE[1:200], WIRE[200:] + WIRE[:2], WIRE[2:])):
        line.asterisk.sendall(part)
        got += line.read(1.5 * number)
    assert got == [Audio(PCM), Audio(PCM)]


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (HANGUP_BYTES, "the peer sent a hangup frame"),
        (b"\xff\x00\x01\x04", "the peer sent error 04"),
        (b"\xff\x00\x00", "the peer sent error without a code"),
        (
            encode(Frame(FrameKind.UUID, bytes(16))),
            "read a second UUID, expected audio, DTMF or hangup",
        ),
        (b"\x01\x00\x05", "read 5 bytes of UUID payload, expected 16"),
    ],
)
def test_what_ends_a_call_keeps_the_frames_before_it(line: Line, wire: bytes, reason: str) -> None:
    line.asterisk.sendall(WIRE + wire + WIRE)
    assert line.read(0.0) == [Audio(PCM)]
    assert line.ended() == reason
    assert line.connection.state is SocketState.CLOSING
    assert line.on_end_calls == [line.connection]
    assert line.received() == HANGUP_BYTES


@pytest.mark.parametrize(
    ("wire", "refused"),
    [
        (HANGUP_BYTES, False),
        (b"\xff\x00\x01\x04", True),
        (encode(Frame(FrameKind.SLIN16, bytes(640))), True),
        (b"\x03\x00\x011" * (MAX_FRAMES_PER_READ + 1), True),
        (b"\x01\x00\x05", True),
    ],
)
def test_the_pod_s_refusal_is_no_goodbye_of_the_peer(
    line: Line, wire: bytes, refused: bool
) -> None:
    line.asterisk.sendall(WIRE + wire)
    line.read(0.0)
    assert line.ended() is not None
    assert line.connection.refused is refused


def test_a_peer_that_stalls_is_refused(line: Line) -> None:
    block(line)
    line.read(10.0)
    line.read(10.02 + STALL_S)
    assert line.connection.refused


def test_neither_the_bot_nor_a_peer_that_closes_is_refused(line: Line) -> None:
    assert not line.connection.refused
    line.connection.hang_up()
    assert not line.connection.refused


def test_the_end_of_the_stream_ends_the_call(line: Line) -> None:
    line.asterisk.sendall(WIRE)
    line.asterisk.shutdown(socket.SHUT_WR)
    assert line.read(0.0) == [Audio(PCM)]
    assert line.ended() is None
    assert line.read(0.02) == []
    assert line.ended() == "the peer closed"
    assert line.connection.state is SocketState.CLOSED


def test_the_end_of_the_stream_inside_a_frame(line: Line) -> None:
    line.asterisk.sendall(WIRE[:13])
    line.asterisk.shutdown(socket.SHUT_WR)
    line.read(0.0)
    line.read(0.02)
    assert line.ended() == (
        "read the end of the stream after 10 bytes of SLIN payload, expected 320"
    )


@pytest.mark.parametrize("by_sending", [False, True])
def test_a_connection_that_is_reset(line: Line, by_sending: bool) -> None:
    line.asterisk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.asterisk.close()
    if by_sending:
        line.connection.send(PCM)
    else:
        line.read(0.0)
    assert line.ended() == "the connection was lost: Connection reset by peer"
    assert line.connection.state is SocketState.CLOSED
    line.connection.send(PCM)
    line.connection.hang_up()
    assert line.read(1.0) == []
    assert line.on_end_calls == [line.connection]


def test_a_flood_is_read_a_little_at_a_time(line: Line) -> None:
    line.asterisk.sendall(WIRE * 100)
    frames = line.read(0.0)
    assert len(frames) == READ_BYTES // len(WIRE)
    assert line.ended() is None


def test_a_flood_of_tiny_frames_ends_its_call(line: Line) -> None:
    line.asterisk.sendall(b"\x03\x00\x011" * (MAX_FRAMES_PER_READ + 1))
    line.read(0.0)
    assert line.ended() == "read 65 frames at once, expected at most 64"


def test_hanging_up_sends_the_hangup_frame_once(line: Line) -> None:
    line.connection.send(PCM)
    line.connection.hang_up()
    line.connection.hang_up("again")
    line.connection.send(PCM)
    assert line.received() == WIRE + HANGUP_BYTES
    assert line.ended() == "the bot hung up"
    assert line.on_end_calls == [line.connection]


async def test_audio_that_comes_after_the_hangup_is_read_so_that_nothing_is_reset(
    line: Line,
) -> None:
    line.asterisk.sendall(WIRE * 10)
    line.connection.hang_up()
    line.asterisk.sendall(WIRE * 10)
    line.asterisk.shutdown(socket.SHUT_WR)
    await line.connection.drain(5.0)
    assert line.connection.state is SocketState.CLOSED
    line.asterisk.settimeout(5)
    assert line.asterisk.recv(100) == HANGUP_BYTES
    assert line.asterisk.recv(100) == b"", "a reset would raise here"


async def test_a_peer_that_does_not_close_is_drained_for_so_long(line: Line) -> None:
    line.connection.hang_up()
    await line.connection.drain(0.01)
    assert line.connection.state is SocketState.CLOSED


async def test_the_hangup_frame_waits_behind_frames_that_have_not_left(wide: Line) -> None:
    frame = bytes(WIDE_BYTES)
    sent = encode(Frame(FrameKind.SLIN192, frame)) * block(wide, frame)
    wide.connection.hang_up()
    got = wide.received()
    assert len(got) < len(sent)
    wide.asterisk.setblocking(True)
    wide.asterisk.settimeout(5)

    def read_all() -> bytes:
        rest = b""
        while len(got) + len(rest) < len(sent) + len(HANGUP_BYTES):
            rest += wide.asterisk.recv(65536)
        wide.asterisk.shutdown(socket.SHUT_WR)
        return rest

    reader = asyncio.create_task(asyncio.to_thread(read_all))
    await wide.connection.drain(5.0)
    assert got + await reader == sent + HANGUP_BYTES
