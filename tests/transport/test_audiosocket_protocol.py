"""AudioSocket as bytes and events: no socket here, so every split of the bytes can be tried."""

import logging
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.errors import InterjectError
from media_pod.transport.audiosocket.frames import HANGUP, Frame, FrameKind, encode
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import Audio, Digit, LineEvent, Skipped, SkipReason

CALL = UUID("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")
HELLO = encode(Frame(FrameKind.UUID, CALL.bytes))

frames = st.one_of(
    st.just(HANGUP),
    st.sampled_from("0123456789ABCD*#").map(lambda digit: Frame(FrameKind.DTMF, digit.encode())),
    st.builds(
        Frame,
        st.sampled_from([FrameKind.SLIN, FrameKind.SLIN, FrameKind.SLIN, FrameKind.SLIN16]),
        st.binary(min_size=1, max_size=60).map(lambda half: half + half),
    ),
    st.binary(max_size=4).map(lambda code: Frame(FrameKind.ERROR, code)),
)


def outcome(wire: bytes, sizes: list[int]) -> tuple[list[LineEvent], str]:
    """The events of one connection whose bytes come in pieces of `sizes`, and why it ends."""
    protocol = AudioSocketProtocol(8000, "a test")
    events: list[LineEvent] = []
    for size in [*sizes, len(wire)]:
        piece, wire = wire[:size], wire[size:]
        if piece and not protocol.fault:
            events += protocol.receive_data(piece)
    return events, protocol.fault or protocol.receive_eof()


@given(st.lists(frames, max_size=6), st.binary(max_size=5), st.lists(st.integers(1, 200)))
def test_any_split_of_the_bytes_gives_the_same_events(
    sent: list[Frame], junk: bytes, sizes: list[int]
) -> None:
    wire = b"".join(map(encode, sent)) + junk

    assert outcome(wire, sizes) == outcome(wire, [])


def test_audio_of_another_rate_keeps_the_events_before_it_and_ends_the_call() -> None:
    protocol = AudioSocketProtocol(8000, "a test")
    wire = encode(Frame(FrameKind.SLIN, bytes(320))) + encode(Frame(FrameKind.DTMF, b"7"))
    wide = encode(Frame(FrameKind.SLIN16, bytes(640)))

    assert protocol.receive_data(wire + wide + wire) == [Audio(bytes(320)), Digit("7")]
    assert protocol.fault == (
        "read audio at 16000 Hz, expected 8000 Hz, the agent's spec.line.rateHz"
    )


def test_an_unknown_kind_is_told_and_the_call_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    protocol = AudioSocketProtocol(8000, "a test")
    audio = encode(Frame(FrameKind.SLIN, bytes(320)))
    unknown = b"\x19\x00\x02ab"

    events = protocol.receive_data(audio + unknown + audio + unknown)

    assert [event for event in events if isinstance(event, Audio)] == [Audio(bytes(320))] * 2
    assert [event for event in events if isinstance(event, Skipped)] == [
        Skipped(SkipReason.UNKNOWN_KIND)
    ] * 2
    assert protocol.fault == ""
    (record,) = caplog.records
    assert "a test: skipped a frame of kind 0x19" in record.getMessage()


@pytest.mark.parametrize(("rate_hz", "kind"), [(8000, FrameKind.SLIN), (16000, FrameKind.SLIN16)])
def test_a_frame_gets_the_header_of_its_rate(rate_hz: int, kind: FrameKind) -> None:
    samples = bytes(range(160)) * (rate_hz // 4000)

    wire = AudioSocketProtocol(rate_hz, "a test").encode(memoryview(samples))

    assert wire == encode(Frame(kind, samples))


@given(st.binary(max_size=40), st.lists(st.integers(1, 40)))
def test_a_hello_is_a_uuid_or_an_error_and_nothing_behind_it_is_read(
    junk: bytes, sizes: list[int]
) -> None:
    protocol = AudioSocketProtocol(8000, "a test")
    wire = HELLO + junk
    read = 0
    for size in [*sizes, *[1] * len(HELLO)]:
        read, piece = read + min(size, protocol.hello_bytes), wire[read:]
        call = protocol.receive_hello(piece[: min(size, protocol.hello_bytes)])
        if call is not None:
            break

    assert (call, read) == (CALL, len(HELLO))


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5))
def test_a_hostile_hello_raises_our_own_errors_alone(pieces: list[bytes]) -> None:
    protocol = AudioSocketProtocol(8000, "a test")
    try:
        for piece in [*pieces, b""]:
            protocol.receive_hello(piece[: protocol.hello_bytes])
    except InterjectError:
        pass
    protocol.close("refused")
    assert protocol.data_to_send() == encode(HANGUP)
    assert protocol.data_to_send() == b""
