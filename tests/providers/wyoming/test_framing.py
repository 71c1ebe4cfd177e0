"""Wyoming's framing."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.wyoming.framing import (
    MAX_JSON_BYTES,
    MAX_PAYLOAD_BYTES,
    EventDecoder,
    encoded,
)

VALUES = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=3)
EVENTS = st.builds(
    Event,
    st.text(max_size=20),
    st.dictionaries(st.text(), VALUES, max_size=4),
    st.none() | st.binary(min_size=1, max_size=400),
)


@given(st.lists(EVENTS, max_size=6), st.lists(st.integers(0, 3000), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_events(events: list[Event], cuts: list[int]) -> None:
    data = b"".join(map(encoded, events))
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    decoder = EventDecoder("server")
    got = [event for start, end in pairwise(ends) for event in decoder.feed(data[start:end])]
    assert got == events
    assert not decoder.mid_event


def test_data_in_the_line_is_merged_with_the_data_after_it() -> None:
    more = json.dumps({"b": 2}).encode()
    line = {"type": "x", "data": {"a": 1, "b": 1}, "data_length": len(more), "payload_length": None}
    (event,) = EventDecoder("server").feed(json.dumps(line).encode() + b"\n" + more)
    assert event == Event("x", {"a": 1, "b": 2})


@pytest.mark.parametrize("cut", [1, 20, -1])
def test_part_of_an_event_is_told_from_the_end_of_one(cut: int) -> None:
    decoder = EventDecoder("server")
    assert decoder.feed(encoded(Event("audio-chunk", {"rate": 8000}, b"1234"))[:cut]) == []
    assert decoder.mid_event


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "the line 'HTTP/1.1 400 Bad Request'"),
        (b"\xff\xfe\n", "the line"),
        (b"[]\n", r"the line '\[\]'"),
        (b"{}\n", r"the line '{}'"),
        (b'{"type": "x", "data": [1]}\n', "the line"),
        (b'{"type": "x", "data_length": 2}\n[]', r"the line '\[\]'"),
        (b"[" * 100_000 + b"\n", "the line"),
        (b'{"type": "x", "payload_length": -1}\n', "payload_length -1"),
        (b'{"type": "x", "payload_length": "9"}\n', "payload_length 9"),
        (
            b'{"type": "x", "payload_length": 4194305}\n',
            f"payload_length 4194305, at most {MAX_PAYLOAD_BYTES}",
        ),
        (b'{"type": "x", "data_length": 1048577}\n', f"data_length .*at most {MAX_JSON_BYTES}"),
        (b" " * (MAX_JSON_BYTES + 1), f"a line of more than {MAX_JSON_BYTES} bytes"),
    ],
)
def test_what_is_not_wyoming_is_refused_with_what_came(data: bytes, message: str) -> None:
    with pytest.raises(ProviderError, match=f"server sent {message}") as caught:
        EventDecoder("server").feed(data)
    assert caught.value.kind is FailureKind.BAD_ANSWER


@given(st.binary(max_size=200))
def test_garbage_never_raises_another_error(data: bytes) -> None:
    try:
        EventDecoder("server").feed(data + b"\n")
    except ProviderError as error:
        assert error.kind is FailureKind.BAD_ANSWER
