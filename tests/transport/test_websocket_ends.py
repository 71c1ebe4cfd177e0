"""How a WebSocket call ends: by either side, by junk, by a peer that stalls. No waiting either."""

import json
import socket
import struct

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame as Message
from websockets.frames import Opcode

from asterisk_web_socket import AUDIO
from media_pod.transport.line import MAX_FRAMES_PER_READ, Audio
from media_pod.transport.socket import MAX_UNSENT_BYTES, STALL_S, CallSocket, SocketState
from media_pod.transport.websocket.playback import SEND_AHEAD
from media_pod.transport.websocket.protocol import WebSocketProtocol
from transport.websocket_line import Line, line

__all__ = ["line"]


def test_hanging_up_is_a_command_and_a_close(line: Line) -> None:
    line.begin()
    line.tick(5)
    line.connection.hang_up()
    line.connection.hang_up("again")
    line.tick(6)
    line.connection.flush()
    line.hear()

    assert line.asterisk.commands[-1] == "HANGUP"
    assert line.asterisk.close_code == 1000
    assert len(line.asterisk.frames) == SEND_AHEAD + 1
    assert line.ended() == "the bot hung up"


def test_nothing_is_sent_to_a_line_that_has_ended(line: Line) -> None:
    line.begin()
    line.connection.hang_up()
    line.connection.flush()
    line.tick(1, 2)
    line.hear()

    assert line.asterisk.log == ["HANGUP"]


def test_asterisk_hangs_up(line: Line) -> None:
    line.begin()
    line.say(AUDIO)
    line.asterisk.protocol.send_close(1000)
    line.sock.sendall(line.asterisk.out())

    assert line.read(0.0) == [Audio(AUDIO)]
    assert line.ended() == "the peer closed (1000 (OK))"
    line.hear()
    assert line.asterisk.close_code == 1000
    assert "HANGUP" not in line.asterisk.commands


def test_asterisk_hangs_up_and_does_not_wait_for_an_answer(line: Line) -> None:
    line.begin()
    line.asterisk.protocol.send_close(1000)
    line.sock.sendall(line.asterisk.out())
    line.sock.close()
    line.read(0.0)

    assert line.ended() == "the peer closed (1000 (OK))"
    assert line.connection.state is SocketState.CLOSED


def test_nothing_is_flushed_once_asterisk_has_hung_up(line: Line) -> None:
    line.begin()
    xoff = line.asterisk.says({"event": "MEDIA_XOFF"})
    line.asterisk.protocol.send_close(1000)
    line.sock.sendall(xoff + line.asterisk.out())
    line.read(0.0)
    line.hear()

    assert line.ended() == "the peer closed (1000 (OK))"
    assert line.asterisk.log == []


def test_asterisk_is_gone(line: Line) -> None:
    line.begin()
    line.sock.close()
    line.read(0.0)

    assert line.ended() in ("the peer closed", "the connection was lost: Connection reset by peer")
    assert line.connection.state is SocketState.CLOSED


def test_asterisk_is_gone_inside_a_message(line: Line) -> None:
    line.begin()
    line.sock.sendall(line.asterisk.says(AUDIO)[:100])
    line.sock.shutdown(socket.SHUT_WR)
    line.read(0.0)
    line.read(0.0)

    assert line.ended() == "read the end of the stream after 100 bytes of a message"


def test_asterisk_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asterisk = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    connection = CallSocket(near, WebSocketProtocol(8000, "a test"), lambda _: None)
    asterisk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asterisk.close()
    connection.read(0.0)

    assert connection.ended == "the connection was lost: Connection reset by peer"


def test_half_a_message_for_too_long_ends_the_call(line: Line) -> None:
    line.begin()
    line.sock.sendall(line.asterisk.says(AUDIO)[:100])
    line.read(1.0)
    line.read(1.1 + STALL_S)

    assert line.ended() == "read 100 bytes of a frame, expected the rest of it within 2 s"


def test_a_flood_of_tiny_messages_ends_its_call(line: Line) -> None:
    line.begin()
    line.say(*[b""] * (MAX_FRAMES_PER_READ + 1))
    line.read(0.0)

    assert line.ended() == "read 65 messages at once, expected at most 64"


def test_pings_of_a_peer_that_does_not_read_end_its_call(line: Line) -> None:
    line.begin()
    ping = Message(Opcode.PING, bytes(125)).serialize(mask=True)
    now = 0.0
    while line.ended() is None and now < 100:
        line.sock.sendall(ping * 50)
        line.read(now)
        now += 0.001

    assert (line.ended() or "").endswith(
        f"bytes wait for the peer, expected at most {MAX_UNSENT_BYTES}"
    )


def test_a_peer_that_does_not_read_gets_whole_frames_or_none_and_is_given_up(line: Line) -> None:
    line.begin()
    dropped = 0
    while line.connection.dropped_frames < 5:
        assert line.connection.frames_needed in (1, SEND_AHEAD + 1)
        line.tick(9)
        dropped += 1
    assert line.connection.frames_needed == 1, "frames that are lost are not made up for meanwhile"
    line.read(10.0)
    line.hear()
    assert {len(samples) for samples in line.asterisk.frames} == {320}
    line.read(10.1 + STALL_S)

    assert line.ended() == "the peer took nothing for 2 s"


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_whatever_comes_ends_this_call_alone_and_with_a_reason(chunks: list[bytes]) -> None:
    line = Line().begin()
    for chunk in chunks:
        line.sock.sendall(chunk)
        line.read(0.0)
    assert line.ended() is None or line.on_end_calls == [line.connection]
    line.close()


EVENTS = ("MEDIA_XOFF", "MEDIA_MARK_PROCESSED", "DTMF_END", "ERROR", "STATUS", "MEDIA_START")
MESSAGES = (
    st.binary(max_size=20)
    | st.dictionaries(st.text(), st.text() | st.integers())
    | st.fixed_dictionaries(
        {"event": st.sampled_from(EVENTS)},
        optional={
            "correlation_id": st.sampled_from(["1", "2", "-1", "\u0661", "9" * 5000]) | st.text(),
            "digit": st.sampled_from("5x"),
            "error_text": st.just("no" * 2000),
        },
    )
)


@given(st.lists(MESSAGES, max_size=5), st.sampled_from([b"", b"\xff\xff", b"\x88\x80abcd"]))
def test_whatever_messages_come_end_this_call_alone(
    messages: list[dict[str, object] | bytes], at_the_end: bytes
) -> None:
    line = Line().begin()
    line.tick(1, 2)
    wire = line.asterisk.says(*messages) + at_the_end
    line.sock.sendall(wire[:8192])
    line.read(0.0)
    line.connection.flush()
    line.tick(3, 4)
    line.connection.hang_up()

    assert line.on_end_calls == [line.connection]
    assert len(json.dumps(line.ended())) < 400
    line.close()
