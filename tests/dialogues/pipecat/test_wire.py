"""Messages between pod and pipecat process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.pipecat.wire import (
    MAX_PAYLOAD_BYTES,
    MessageDecoder,
    MessageKind,
    WireError,
    encoded,
    encoded_json,
    fields,
)

messages = st.lists(st.tuples(st.sampled_from(MessageKind), st.binary(max_size=50)), max_size=8)


@given(messages, st.lists(st.integers(1, 40), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_messages(
    sent: list[tuple[MessageKind, bytes]], sizes: list[int]
) -> None:
    data = b"".join(encoded(*message) for message in sent)
    decoder = MessageDecoder()
    found: list[tuple[MessageKind, bytes]] = []
    for size in sizes:
        found += decoder.feed(data[:size])
        data = data[size:]
    found += decoder.feed(data)
    assert found == sent


@pytest.mark.parametrize(
    "data", [b"\x63" + bytes(4), b"\x03" + (MAX_PAYLOAD_BYTES + 1).to_bytes(4, "big")]
)
def test_other_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(WireError, match="expected a message"):
        MessageDecoder().feed(data)


def test_json_comes_back() -> None:
    [(kind, payload)] = MessageDecoder().feed(encoded_json(MessageKind.INTERRUPT, heard="señor"))
    assert (kind, fields(payload)) == (MessageKind.INTERRUPT, {"heard": "señor"})


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff"])
def test_what_is_no_object_is_an_error(payload: bytes) -> None:
    with pytest.raises(WireError, match="expected"):
        fields(payload)
