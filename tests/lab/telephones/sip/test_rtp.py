import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.errors import LabError
from interject_lab.telephones.sip.rtp import (
    DIGITS,
    RtpError,
    RtpPacket,
    TelephoneEvent,
    distance,
    event_packets,
)

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 65535),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=500),
    marker=st.booleans(),
)


@given(packets)
def test_a_packet_comes_back_from_its_bytes(packet: RtpPacket) -> None:
    assert RtpPacket.parse(bytes(packet)) == packet


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=60).map(lambda end: b"\xb1" + end)))
def test_any_bytes_are_a_packet_or_the_named_error(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except RtpError as error:
        assert "expected" in str(error)
    else:
        assert len(packet.payload) <= len(data) - 12


@given(packets, st.lists(st.integers(0, 2**32 - 1), max_size=15), st.integers(0, 20))
def test_sources_extension_and_padding_are_left_out(
    packet: RtpPacket, sources: list[int], padding: int
) -> None:
    plain = bytes(packet)
    first = plain[0] | 0x10 | len(sources) | (0x20 if padding else 0)
    extension = b"\xbe\xde\x00\x01abcd"
    csrc = b"".join(source.to_bytes(4, "big") for source in sources)
    end = bytes(padding - 1) + bytes([padding]) if padding else b""
    data = bytes([first]) + plain[1:12] + csrc + extension + packet.payload + end
    assert RtpPacket.parse(data) == packet


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x80" * 11, "read 11 bytes, expected an RTP header of 12"),
        (b"\x40" + bytes(11), "read version 1 of RTP, expected 2"),
        (b"\x90" + bytes(13), "read 14 bytes of RTP, expected 16 with the extension"),
        (b"\xa0" + bytes(11), "read 12 bytes of RTP, expected 12 of header and 0 of padding"),
    ],
)
def test_the_error_tells_what_was_read(data: bytes, text: str) -> None:
    with pytest.raises(RtpError, match=text):
        RtpPacket.parse(data)


@given(st.integers(0, 65535), st.integers(-32768, 32767))
def test_distance_counts_over_the_wrap(start: int, step: int) -> None:
    assert distance((start + step) % 65536, start, 16) == step


@given(st.sampled_from(DIGITS), st.integers(1, 50).map(lambda updates: 20 * updates))
def test_a_digit_grows_by_updates_and_ends_three_times(digit: str, event_ms: int) -> None:
    packets = event_packets(digit, event_ms)
    updates, ends = packets[:-3], packets[-3:]
    assert {packet.event.digit for packet in packets} == {digit}
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
    assert [packet.after_ms for packet in packets] == list(range(0, event_ms + 60, 20))
    assert [packet.event.duration for packet in updates] == [
        160 * (index + 1) for index in range(event_ms // 20)
    ]
    assert not any(packet.event.end for packet in updates)
    assert {packet.event for packet in ends} == {
        TelephoneEvent(DIGITS.index(digit), True, 8 * event_ms)
    }


def test_a_press_lasts_160_ms() -> None:
    assert len(event_packets("5")) == 8 + 3


@given(
    st.builds(
        TelephoneEvent,
        code=st.integers(0, 255),
        end=st.booleans(),
        duration=st.integers(0, 65535),
        volume=st.integers(0, 63),
    )
)
def test_an_event_comes_back_from_its_bytes(event: TelephoneEvent) -> None:
    assert TelephoneEvent.parse(bytes(event)) == event


def test_what_is_no_key_and_no_event_is_reported() -> None:
    with pytest.raises(LabError, match="no DTMF digit 'x': expected one of 0123456789"):
        event_packets("x")
    with pytest.raises(RtpError, match="read an event of 3 bytes, expected 4"):
        TelephoneEvent.parse(b"abc")
    assert TelephoneEvent(16, True, 0).digit is None
