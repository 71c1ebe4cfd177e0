"""The codec: all kinds both ways, however the bytes are cut, and what it says of bad ones."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.transport.audiosocket.frames import (
    HANGUP,
    MAX_PAYLOAD_BYTES,
    RATES_HZ,
    AudioSocketError,
    Decoder,
    Frame,
    FrameKind,
    PayloadLengthError,
    PayloadValueError,
    TruncatedFrameError,
    UnknownKindError,
    audio_kind,
    encode,
    header,
)

CALL = UUID("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")

frames = st.one_of(
    st.just(HANGUP),
    st.binary(min_size=16, max_size=16).map(lambda raw: Frame(FrameKind.UUID, raw)),
    st.sampled_from("0123456789ABCD*#").map(lambda digit: Frame(FrameKind.DTMF, digit.encode())),
    st.builds(
        Frame,
        st.sampled_from(sorted(RATES_HZ)),
        st.binary(min_size=1, max_size=60).map(lambda half: half + half),
    ),
    st.binary(max_size=4).map(lambda code: Frame(FrameKind.ERROR, code)),
)


def outcome(chunks: list[bytes]) -> tuple[list[Frame], str]:
    """What one stream gives in all, and how it ends."""
    decoder = Decoder()
    got: list[Frame] = []
    try:
        for chunk in chunks:
            got += decoder.feed(chunk)
        decoder.eof()
    except AudioSocketError as error:
        return got, f"{type(error).__name__}: {error}"
    return got, "end"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(bounds)]


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 10**6), max_size=8))
def test_what_is_encoded_is_decoded_however_it_is_cut(sent: list[Frame], places: list[int]) -> None:
    assert outcome(cut(b"".join(map(encode, sent)), places)) == (sent, "end")


@given(st.binary(max_size=200), st.lists(st.integers(0, 10**6), max_size=8))
def test_any_bytes_give_the_same_however_they_are_cut(data: bytes, places: list[int]) -> None:
    whole = outcome([data])
    assert outcome(cut(data, places)) == whole
    assert outcome([bytes((byte,)) for byte in data]) == whole


def test_what_asterisk_sends_at_the_start_of_a_call() -> None:
    wire = bytes.fromhex("010010") + CALL.bytes + bytes.fromhex("100140") + bytes(range(160)) * 2
    uuid, audio = Decoder().feed(wire + bytes.fromhex("03000135"))[:2]
    assert uuid.uuid == CALL
    assert audio == Frame(FrameKind.SLIN, bytes(range(160)) * 2)
    assert Decoder().feed(bytes.fromhex("03000135"))[0].digit == "5"


@pytest.mark.parametrize(
    ("code", "rate_hz"),
    [
        (0x10, 8000),
        (0x11, 12000),
        (0x12, 16000),
        (0x13, 24000),
        (0x14, 32000),
        (0x15, 44100),
        (0x16, 48000),
        (0x17, 96000),
        (0x18, 192000),
    ],
)
def test_60_ms_of_audio_of_every_rate_pass(code: int, rate_hz: int) -> None:
    frame = Frame(audio_kind(rate_hz), bytes(rate_hz * 60 // 1000 * 2))
    assert encode(frame)[0] == code
    assert frame.rate_hz == rate_hz
    assert Decoder().feed(encode(frame)) == [frame]


def test_frames_that_are_not_audio_have_no_rate() -> None:
    assert HANGUP.rate_hz == 0


def test_a_rate_that_audiosocket_does_not_have() -> None:
    with pytest.raises(ValueError, match="read a rate of 11025 Hz, expected one of"):
        audio_kind(11025)


def test_empty_audio_is_read_because_asterisk_writes_it_and_never_sent() -> None:
    assert Decoder().feed(b"\x10\x00\x00") == [Frame(FrameKind.SLIN)]
    with pytest.raises(PayloadLengthError) as caught:
        encode(Frame(FrameKind.SLIN))
    assert str(caught.value) == (
        "read 0 bytes of SLIN payload, expected an even number from 2 to 65534"
    )


def test_lower_case_digits_are_read_as_asterisk_sends_them() -> None:
    assert Decoder().feed(b"\x03\x00\x01a")[0].digit == "A"


@pytest.mark.parametrize(
    ("wire", "kind", "text"),
    [
        (
            b"\x02\x5a\x01",
            UnknownKindError,
            "read a frame of kind 0x02 with 23041 bytes, expected at most 23040",
        ),
        (b"\x01\x00\x0f", PayloadLengthError, "read 15 bytes of UUID payload, expected 16"),
        (b"\x00\x00\x01", PayloadLengthError, "read 1 bytes of HANGUP payload, expected 0"),
        (b"\x03\x00\x02", PayloadLengthError, "read 2 bytes of DTMF payload, expected 1"),
        (
            b"\x10\x00\x21",
            PayloadLengthError,
            (
                "read 33 bytes of SLIN payload, expected an even number "
                "(not linear PCM? Dial needs /c(slin))"
            ),
        ),
        (
            b"\x18\x5a\x02",
            PayloadLengthError,
            "read 23042 bytes of SLIN192 payload, expected at most 23040",
        ),
        (
            b"\xff\xff\xff",
            PayloadLengthError,
            "read 65535 bytes of ERROR payload, expected at most 23040",
        ),
        (
            b"\x03\x00\x01E",
            PayloadValueError,
            "read DTMF b'E', expected one of 0-9, A-D, * and #",
        ),
    ],
)
def test_bad_bytes_are_named_and_what_came_before_is_kept(
    wire: bytes, kind: type[AudioSocketError], text: str
) -> None:
    good = Frame(FrameKind.SLIN, b"\x01\x02")
    decoder = Decoder()
    assert decoder.feed(encode(good) + wire + encode(good)) == [good]
    assert type(decoder.error) is kind
    assert str(decoder.error) == text
    for _ in range(2):
        with pytest.raises(kind) as caught:
            decoder.feed(encode(good))
        assert str(caught.value) == text
    with pytest.raises(kind):
        decoder.eof()
    assert decoder.pending == 0


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"\x10", "read the end of the stream after 1 bytes of a header, expected 3"),
        (
            b"\x10\x01\x40" + bytes(100),
            "read the end of the stream after 100 bytes of SLIN payload, expected 320",
        ),
    ],
)
def test_a_stream_that_ends_inside_a_frame(wire: bytes, text: str) -> None:
    decoder = Decoder()
    assert decoder.feed(wire) == []
    assert decoder.pending == len(wire)
    with pytest.raises(TruncatedFrameError) as caught:
        decoder.eof()
    assert str(caught.value) == text


@given(
    st.sampled_from([0x02, 0x04, 0x0F, 0x19, 0x7F, 0xFE]),
    st.binary(max_size=400),
    st.lists(st.integers(0, 10**6), max_size=8),
)
def test_a_kind_of_a_later_asterisk_is_skipped_by_its_length(
    kind: int, payload: bytes, places: list[int]
) -> None:
    good = Frame(FrameKind.SLIN, b"\x01\x02")
    unknown = bytes((kind,)) + len(payload).to_bytes(2, "big") + payload
    decoder = Decoder()
    found: list[Frame] = []
    for piece in cut(encode(good) + unknown + encode(good) + unknown, places):
        found += decoder.feed(piece)
    decoder.eof()
    assert found == [good, good]
    assert (decoder.skipped_frames, decoder.skipped_kind) == (2, kind)


def test_what_is_kept_is_bounded() -> None:
    decoder = Decoder()
    decoder.feed(b"\x18" + MAX_PAYLOAD_BYTES.to_bytes(2, "big"))
    for _ in range(MAX_PAYLOAD_BYTES // 2 - 1):
        decoder.feed(b"\x01\x02")
    assert decoder.pending == 3 + MAX_PAYLOAD_BYTES - 2
    assert len(decoder.feed(b"\x01\x02")) == 1
    assert decoder.pending == 0


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameKind.SLIN, b"\x00"),
        Frame(FrameKind.SLIN, bytes(65536)),
        Frame(FrameKind.UUID, bytes(15)),
        Frame(FrameKind.HANGUP, b"\x00"),
        Frame(FrameKind.DTMF, b"12"),
    ],
)
def test_a_length_that_a_kind_does_not_allow_is_not_sent(frame: Frame) -> None:
    with pytest.raises(PayloadLengthError, match=f"bytes of {frame.kind.name} payload, expected "):
        encode(frame)


def test_a_digit_that_does_not_exist_is_not_sent() -> None:
    with pytest.raises(PayloadValueError, match="read DTMF b'x'"):
        encode(Frame(FrameKind.DTMF, b"x"))


def test_a_header_alone_is_that_of_the_frame() -> None:
    pcm = bytes(320)
    assert header(FrameKind.SLIN, len(pcm)) + pcm == encode(Frame(FrameKind.SLIN, pcm))
