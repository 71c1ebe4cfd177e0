import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.errors import LabError
from interject_lab.telephones.sip.dtmf import DIGITS, Event, series
from interject_lab.telephones.sip.rtp import RtpError


@given(st.sampled_from(DIGITS), st.integers(1, 50).map(lambda updates: 20 * updates))
def test_a_digit_grows_by_updates_and_ends_three_times(digit: str, event_ms: int) -> None:
    packets = series(digit, event_ms)
    updates, ends = packets[:-3], packets[-3:]
    assert {packet.event.digit for packet in packets} == {digit}
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
    assert [packet.after_ms for packet in packets] == list(range(0, event_ms + 60, 20))
    assert [packet.event.duration for packet in updates] == [
        160 * (index + 1) for index in range(event_ms // 20)
    ]
    assert not any(packet.event.end for packet in updates)
    assert {packet.event for packet in ends} == {Event(DIGITS.index(digit), True, 8 * event_ms)}


def test_a_press_lasts_160_ms() -> None:
    assert len(series("5")) == 8 + 3


@given(
    st.builds(
        Event,
        code=st.integers(0, 255),
        end=st.booleans(),
        duration=st.integers(0, 65535),
        volume=st.integers(0, 63),
    )
)
def test_an_event_comes_back_from_its_bytes(event: Event) -> None:
    assert Event.parse(bytes(event)) == event


def test_what_is_no_key_and_no_event_is_told() -> None:
    with pytest.raises(LabError, match="no key 'x': press one of 0123456789"):
        series("x")
    with pytest.raises(RtpError, match="read an event of 3 bytes, expected 4"):
        Event.parse(b"abc")
    assert Event(16, True, 0).digit is None
