"""chan_websocket's messages: what Asterisk 22.10 sent is understood, anything else is reported."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.transport.websocket.messages import (
    MAX_COMMAND_BYTES,
    Command,
    CommandLengthError,
    DtmfEnd,
    Event,
    MarkProcessed,
    MediaStart,
    MediaXoff,
    MessageSyntaxError,
    MessageValueError,
    Other,
    Refused,
    WebSocketError,
    decode,
    encode,
)

STRINGS = 20_000
START = (
    b'{"event":"MEDIA_START","connection_id":"127.0.0.1:27002","channel":'
    b'"WebSocket/127.0.0.1:27002/0x7f50f000f8a0","channel_id":"1795644984.2","format":"slin",'
    b'"optimal_frame_size":320,"ptime":20,"channel_variables":{"DIALEDPEERNUMBER":"127.0.0.1:27002'
    b'/c(slin)f(json)v(uuid=0356ce2c-5e2f-480b-b32c-1dcb60dd3352,from=100)",'
    b'"MEDIA_WEBSOCKET_CONNECTION_ID":"127.0.0.1:27002","MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE":"320"}}'
)
"""As it came over the wire."""
DIGIT = b'{"event":"DTMF_END","channel_id":"1795644984.2","digit":"5"}'
MARK = b'{"event":"MEDIA_MARK_PROCESSED","channel_id":"1795644984.2","correlation_id":"51"}'


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (START, MediaStart("slin", 320, 20, "WebSocket/127.0.0.1:27002/0x7f50f000f8a0")),
        (DIGIT, DtmfEnd("5")),
        (b'{"event":"DTMF_END","digit":"a"}', DtmfEnd("A")),
        (MARK, MarkProcessed("51")),
        (b'{"event":"MEDIA_XOFF","channel_id":"1"}', MediaXoff()),
        (b'{"event":"MEDIA_XON","channel_id":"1"}', Other("MEDIA_XON")),
        (b'{"event":"QUEUE_DRAINED","channel_id":"1"}', Other("QUEUE_DRAINED")),
        (b'{"event":"STATUS","queue_length":4,"queue_full":false}', Other("STATUS")),
        (
            b'{"event":"ERROR","channel_id":"1","error_text":"Unable to parse JSON command"}',
            Refused("Unable to parse JSON command"),
        ),
        (b' {"event" : "SOMETHING_NEW", "x": [1, {}]} ', Other("SOMETHING_NEW")),
    ],
)
def test_events(text: bytes, event: Event) -> None:
    assert decode(text) == event
    assert decode(bytearray(text)) == event


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        (
            b"MEDIA_START connection_id:media",
            MessageSyntaxError,
            (
                "read b'MEDIA_START connection_id:media', expected JSON "
                "(does the dial string have f(json)?)"
            ),
        ),
        (b"\xff\xfe", MessageSyntaxError, "read b'\\xff\\xfe', expected JSON"),
        (b"", MessageSyntaxError, "read b'', expected JSON"),
        (b"[" * 30_000, MessageSyntaxError, "expected JSON"),
        (b"9" * 5_000, MessageSyntaxError, "expected JSON"),
        (b'["event"]', MessageSyntaxError, "read b'[\"event\"]', expected a JSON object"),
        (b"{}", MessageValueError, "read nothing as event, expected text"),
        (b'{"event":1}', MessageValueError, "read 1 as event, expected text"),
        (
            b'{"event":"DTMF_END"}',
            MessageValueError,
            "read nothing as digit of 'DTMF_END', expected text",
        ),
        (
            b'{"event":"DTMF_END","digit":"55"}',
            MessageValueError,
            "read DTMF '55', expected one of 0-9, A-D, * and #",
        ),
        (b'{"event":"DTMF_END","digit":""}', MessageValueError, "read DTMF ''"),
        (
            START.replace(b":320,", b":true,"),
            MessageValueError,
            "read True as optimal_frame_size of 'MEDIA_START', expected a whole number",
        ),
    ],
)
def test_text_that_is_no_event(text: bytes, kind: type[WebSocketError], says: str) -> None:
    with pytest.raises(kind) as caught:
        decode(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 200


def one_of(text: bytes | bytearray) -> bool:
    """If `text` gives an event; anything but an event or one of our own errors fails the test."""
    try:
        decode(text)
    except WebSocketError as error:
        assert type(error) in (MessageSyntaxError, MessageValueError)
        return False
    return True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(["MEDIA_START", "DTMF_END", "MEDIA_MARK_PROCESSED", "ERROR"]) | st.text()


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_text_gives_an_event_or_a_named_error(text: bytes) -> None:
    one_of(text)


@given(NAMES, st.dictionaries(st.sampled_from(["digit", "correlation_id", "format"]), JSON))
def test_any_fields_give_an_event_or_a_named_error(name: str, fields: dict[str, object]) -> None:
    one_of(json.dumps({"event": name, **fields}).encode())


def test_mutations_of_real_messages_give_an_event_or_a_named_error() -> None:
    rng = random.Random(29)
    refused = 0
    for _ in range(STRINGS):
        text = bytearray(rng.choice((START, DIGIT, MARK)))
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(len(text))
            text[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        refused += not one_of(text)
    assert refused > STRINGS // 3, "most mutations make a message that is none"


@given(st.sampled_from(Command), st.text(max_size=200))
def test_commands_fit_into_what_asterisk_takes(command: Command, correlation_id: str) -> None:
    try:
        text = encode(command, correlation_id)
    except CommandLengthError as error:
        assert "expected at most 128" in str(error)
        return
    assert len(text) <= MAX_COMMAND_BYTES
    expected = {"command": command.value}
    assert json.loads(text) == expected | (
        {"correlation_id": correlation_id} if correlation_id else {}
    )


def test_marks_of_the_longest_call_fit() -> None:
    assert encode(Command.MARK_MEDIA, str(10**12)) == (
        b'{"command":"MARK_MEDIA","correlation_id":"1000000000000"}'
    )
