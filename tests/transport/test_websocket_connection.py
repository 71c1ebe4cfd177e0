"""One WebSocket over a real loopback socket; the time is an argument, so nothing waits for it."""

import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_web_socket import AUDIO, START, WebSocketAsterisk
from media_pod.transport.line import Audio, Digit, LineEvent, Skipped, SkipReason
from media_pod.transport.socket import STALL_S, SocketState
from media_pod.transport.websocket.playback import SEND_AHEAD
from media_pod.transport.websocket.upgrade import MAX_MESSAGE_BYTES, UpgradeError
from transport.websocket_line import CALL, SILENCE, Line, frame, line

__all__ = ["line"]


def test_an_upgrade_names_the_call_and_is_answered(line: Line) -> None:
    line.upgrade()

    assert line.asterisk.status == 101
    assert line.asterisk.protocol.subprotocol == "media"
    assert line.connection.frames_needed == 0


def test_an_upgrade_in_pieces(line: Line) -> None:
    request = line.asterisk.request()
    given = [line.protocol.receive_hello(request[i : i + 7]) for i in range(0, len(request), 7)]

    assert given[:-1] == [None] * (len(given) - 1)
    assert given[-1] == CALL


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (None, "read '/media', expected one uuid= with a UUID: the dial string needs v(uuid=...)"),
        ("five", "read '/media?uuid=five', expected one uuid="),
        (f"{CALL}&uuid={CALL}", "expected one uuid="),
    ],
)
def test_an_upgrade_without_a_call(call: str | None, says: str) -> None:
    line = Line()
    asterisk = line.asterisk = WebSocketAsterisk(call)
    with pytest.raises(UpgradeError) as caught:
        line.protocol.receive_hello(asterisk.request())
    line.connection.hang_up(f"refused: {caught.value}")
    line.hear()

    assert says in str(caught.value)
    assert (asterisk.status, line.connection.state) == (400, SocketState.CLOSING)
    assert says in asterisk.response.body.decode()  # type: ignore[union-attr]
    line.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /?uuid=%b HTTP/1.1\r\nHost: pod\r\n\r\n" % str(CALL).encode(), b"426"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"\x01\x00\x10" + CALL.bytes + b"\r\n", b""),
        (b"POST /?uuid=5 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"405"),
    ],
)
def test_what_is_no_upgrade(line: Line, request_bytes: bytes, status: bytes) -> None:
    with pytest.raises(UpgradeError, match="read no upgrade request"):
        line.protocol.receive_hello(request_bytes)
    line.connection.hang_up("refused")

    line.sock.setblocking(False)
    got = line.sock.recv(4096) if status else b""
    assert got[:12] == (b"HTTP/1.1 " + status if status else b"")
    assert line.on_end_calls == [line.connection]


def test_messages_before_the_upgrade_was_answered(line: Line) -> None:
    request = line.asterisk.request()
    early = b"\x81\x80\x00\x00\x00\x00"
    with pytest.raises(UpgradeError, match="read a message before the upgrade was answered"):
        line.protocol.receive_hello(request + early)


def test_a_call_that_is_refused_gets_503(line: Line) -> None:
    line.protocol.receive_hello(line.asterisk.request())
    line.connection.hang_up("refused: all 2 slots are taken")
    line.hear()

    assert line.asterisk.status == 503
    assert line.asterisk.response is not None
    assert line.asterisk.response.body == b"refused: all 2 slots are taken\n"


def test_nothing_is_sent_before_media_start_and_the_queue_is_filled_after_it(line: Line) -> None:
    line.upgrade()
    assert line.connection.frames_needed == 0
    assert not line.playing().any()
    line.say(START)
    line.read(0.0)
    assert line.connection.frames_needed == SEND_AHEAD + 1

    played = line.tick(5, 6)
    line.report(1)
    played += line.tick(7, 8, 9, 10)
    line.hear()

    assert played == [0, 0, 0, 0, 5, 6]
    assert line.asterisk.log == ["MARK_MEDIA 1", *["frame"] * 10]
    assert line.asterisk.frames == [SILENCE] * 4 + [frame(v) for v in (5, 6, 7, 8, 9, 10)]
    assert line.connection.frames_played == 6


def test_a_frame_leaves_in_one_write_with_its_mark() -> None:
    # Datagrams, because they keep apart what was written apart.
    line = Line(kind=socket.SOCK_DGRAM).begin()
    logs = []
    for value in (1, 2):
        line.connection.send(frame(value))
        line.asterisk.log.clear()
        line.asterisk.take(line.sock.recv(4096))
        logs.append(list(line.asterisk.log))

    assert logs == [["MARK_MEDIA 1", "frame"], ["frame"]]
    line.close()


def test_media_start_has_to_come_in_time(line: Line) -> None:
    line.upgrade()
    line.read(1.0)
    line.read(1.0 + STALL_S)
    assert line.ended() is None
    line.read(1.1 + STALL_S)
    assert line.ended() == "read no MEDIA_START within 2 s"


def test_audio_and_digits_come_in_their_order(line: Line) -> None:
    line.begin()
    line.say(AUDIO, {"event": "DTMF_END", "digit": "7"}, AUDIO[:160], {"event": "NEW"}, b"")

    assert line.read(0.0) == [
        Audio(AUDIO),
        Digit("7"),
        Audio(AUDIO[:160]),
        Audio(b""),
    ]
    assert line.ended() is None


@given(st.lists(st.integers(1, 700), max_size=30))
def test_messages_cut_anywhere_are_put_together(sizes: list[int]) -> None:
    line = Line().begin()
    wire = line.asterisk.says(AUDIO, {"event": "DTMF_END", "digit": "7"}, AUDIO)
    events: list[LineEvent] = []
    for size in [*sizes, len(wire)]:
        line.sock.sendall(wire[:size])
        events += line.read(0.0)
        wire = wire[size:]

    assert events == [Audio(AUDIO), Digit("7"), Audio(AUDIO)]
    assert line.ended() is None
    line.close()


def test_fragments_are_one_message(line: Line) -> None:
    line.begin()
    protocol = line.asterisk.protocol
    protocol.send_binary(AUDIO[:100], fin=False)
    protocol.send_ping(b"still there?")
    protocol.send_continuation(AUDIO[100:], fin=True)
    line.sock.sendall(line.asterisk.out())

    assert line.read(0.0) == [Audio(AUDIO)]


def test_a_ping_is_answered_between_the_frames(line: Line) -> None:
    line.begin()
    line.asterisk.protocol.send_ping(b"still there?")
    line.sock.sendall(line.asterisk.out())
    line.read(0.0)
    line.tick(5)
    line.sock.setblocking(False)

    assert line.sock.recv(100)[:14] == b"\x8a\x0cstill there?"


def test_a_flush_is_sent_at_once_and_what_was_queued_never_left(line: Line) -> None:
    line.begin()
    line.tick(1)
    line.report(1)
    line.tick(*range(2, 11))
    line.hear()
    assert line.connection.frames_played == 10
    line.asterisk.log.clear()

    line.connection.flush()
    line.hear()

    assert line.asterisk.log == ["FLUSH_MEDIA"]
    assert line.tick(70) == [0]
    line.report(15)
    assert line.tick(71, 72, 73, 74, 75) == [0, 0, 0, 70, 71]
    line.hear()
    assert line.asterisk.log[1] == "MARK_MEDIA 15"
    assert line.connection.frames_played == 20


def test_a_report_of_a_mark_corrects_the_queue(line: Line) -> None:
    line.begin()
    line.tick(*range(1, 4))
    line.say({"event": "MEDIA_MARK_PROCESSED", "correlation_id": "nonsense"})
    line.say({"event": "MEDIA_MARK_PROCESSED", "correlation_id": "1"})
    line.read(0.0)
    assert line.connection.frames_needed == 1, (
        "frame 1 left three ticks ago, but that was one report"
    )

    line.connection.flush()
    line.tick(1)
    line.say({"event": "MEDIA_MARK_PROCESSED", "correlation_id": "8"})
    line.tick(2)
    assert line.connection.frames_needed == 1


def test_a_frame_without_sound_is_left_out_while_too_much_is_queued(line: Line) -> None:
    line.begin()
    line.tick(*[5] * 80)
    for mark in (1, 16, 31):
        line.report(mark)
        line.tick(5)
    line.hear()
    sent = len(line.asterisk.frames)

    line.tick(0, 0, 0, 5)
    line.hear()

    assert sent < len(line.asterisk.frames) < sent + 4


def test_audio_before_media_start_is_left_out_and_the_call_goes_on(line: Line) -> None:
    line.upgrade()
    line.say(AUDIO, AUDIO)
    assert line.read(0.0) == [Skipped(SkipReason.BEFORE_START)] * 2
    line.say(START, AUDIO)
    assert line.read(0.02) == [Audio(AUDIO)]
    assert line.ended() is None
    line.tick(5)
    line.hear()
    assert frame(5) in line.asterisk.frames


def test_what_asterisk_has_not_played_for_18_s_is_flushed(line: Line) -> None:
    line.begin()
    line.tick(1, 2, 3)
    line.say({"event": "MEDIA_XOFF"})
    line.read(0.0)
    line.hear()

    assert line.asterisk.commands[-1] == "FLUSH_MEDIA"
    assert line.ended() is None


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ((START,), "read a second MEDIA_START, expected audio or DTMF"),
        (({"event": "DTMF_END", "digit": "x"},), "read DTMF 'x', expected one of"),
        ((AUDIO[:3],), "read 3 bytes of audio, expected an even number"),
        (
            ({"event": "ERROR", "error_text": "not supported in passthrough mode"},),
            "Asterisk refused a command: not supported in passthrough mode",
        ),
        (({"no": "event"},), "read nothing as event, expected text"),
        ((bytes(MAX_MESSAGE_BYTES + 1),), "read no WebSocket message: frame with 32769 bytes"),
    ],
)
def test_what_ends_a_call_keeps_the_frames_before_it(
    line: Line, messages: tuple[dict[str, object] | bytes, ...], reason: str
) -> None:
    line.begin()
    line.say(AUDIO, *messages)
    events: list[LineEvent] = []
    while line.ended() is None:
        events += line.read(0.0)

    assert events == [Audio(AUDIO)]
    assert (line.ended() or "").startswith(reason)
    assert line.connection.state is SocketState.CLOSING
    assert line.on_end_calls == [line.connection]
    line.hear()
    assert line.asterisk.close_code in (1000, 1009)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\x81\x05hello", "incorrect masking"),
        (b"\x83\x80\x00\x00\x00\x00", "invalid opcode"),
        (b"\x80\x80\x00\x00\x00\x00", "unexpected continuation frame"),
        (b"\xf2\x80\x00\x00\x00\x00", "reserved bits must be 0"),
    ],
)
def test_bytes_that_are_not_websocket(line: Line, wire: bytes, reason: str) -> None:
    line.begin()
    line.sock.sendall(wire)
    line.read(0.0)

    assert line.ended() == f"read no WebSocket message: {reason}"
    line.hear()
    assert line.asterisk.close_code == 1002


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"format": "ulaw", "optimal_frame_size": 160}, "'ulaw' with 160 bytes"),
        ({"format": "slin16", "optimal_frame_size": 640}, "'slin16' with 640 bytes"),
    ],
)
def test_a_channel_of_another_format(line: Line, changes: dict[str, object], found: str) -> None:
    line.upgrade()
    line.say(START | changes)
    line.read(0.0)

    assert line.ended() == (
        f"read MEDIA_START of {found} a frame, expected 'slin' with 320: the dial string needs "
        "c(slin), or the agent another spec.line.rateHz"
    )


def test_wide_calls_have_wide_frames() -> None:
    line = Line(rate_hz=16000)
    line.upgrade()
    line.say(START | {"format": "slin16", "optimal_frame_size": 640}, bytes(640))

    assert line.read(0.0) == [Audio(bytes(640))]
    line.connection.send(bytes(640))
    assert line.playing().size == 320
    line.close()


def test_what_plays_is_what_was_sent_so_many_frames_ago(line: Line) -> None:
    line.begin()
    values = np.arange(1, 60).tolist()

    assert line.tick(*values) == [0] * SEND_AHEAD + values[:-SEND_AHEAD]
