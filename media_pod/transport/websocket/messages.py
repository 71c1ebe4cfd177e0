"""chan_websocket's control messages in JSON: text in, events out; commands in, text out. No I/O.

Asterisk sends events and takes commands as text messages, one JSON object each; audio goes as
binary messages of bare samples. JSON is what `f(json)` in the dial string asks for. As read in
`channels/chan_websocket.c` of Asterisk 22.10 and seen on its wire.

    WebSocketError
      MessageSyntaxError        text that is no JSON object
      MessageValueError         an event without what it must carry, or with something else
      CommandLengthError        a command longer than Asterisk takes
      UpgradeError              .upgrade: no WebSocket upgrade, or no call's UUID
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from media_pod.errors import InterjectError

MAX_COMMAND_BYTES: Final = 128
"""A longer text message is dropped by Asterisk, with a warning in its log alone."""

_DIGITS: Final = frozenset("0123456789ABCDabcd*#")
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))
_SHOWN: Final = 60
"""Characters of a wrong message that an error repeats."""

T = TypeVar("T")


class WebSocketError(InterjectError):
    """A message that is not chan_websocket's, or not at this point of a connection."""


class MessageSyntaxError(WebSocketError):
    """Text that is no JSON object."""


class MessageValueError(WebSocketError):
    """An event without what it must carry, or with something else in its place."""


class CommandLengthError(WebSocketError):
    """A command longer than Asterisk takes."""


class Command(StrEnum):
    """The commands to Asterisk that a pod uses."""

    HANGUP = "HANGUP"
    FLUSH_MEDIA = "FLUSH_MEDIA"
    """Discard the queue with the marks in it; Asterisk never reports those."""
    MARK_MEDIA = "MARK_MEDIA"
    """Report its correlation id once the queue has been played up to here."""


@dataclass(frozen=True, slots=True)
class MediaStart:
    """The channel is up: audio may flow. Always the first message."""

    format: str
    """Asterisk's name of the samples' format, such as slin or slin16."""
    frame_bytes: int
    """Size of 20 ms, which Asterisk takes from its queue at a time."""
    ptime_ms: int
    channel: str
    """The channel's name, by which Asterisk's log has the call."""


@dataclass(frozen=True, slots=True)
class DtmfEnd:
    """The caller has released a key."""

    digit: str
    """0-9, A-D, * or #."""


@dataclass(frozen=True, slots=True)
class MarkProcessed:
    """The queue has been played up to a mark."""

    correlation_id: str


@dataclass(frozen=True, slots=True)
class MediaXoff:
    """900 frames are queued; above 1000 audio is dropped."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Asterisk did not do what a command asked for."""

    text: str


@dataclass(frozen=True, slots=True)
class Other:
    """An event that a pod does not use, of this or of a later Asterisk."""

    name: str


Event = MediaStart | DtmfEnd | MarkProcessed | MediaXoff | Refused | Other


def decode(text: bytes | bytearray) -> Event:
    """The event in the text message `text`.

    Raises:
        MessageSyntaxError: no JSON object.
        MessageValueError: an event without a field that it must have, or with a wrong one.
    """
    message = _parse(text)
    name = _field(message, "event", str)
    match name:
        case "MEDIA_START":
            return MediaStart(
                format=_field(message, "format", str),
                frame_bytes=_field(message, "optimal_frame_size", int),
                ptime_ms=_field(message, "ptime", int),
                channel=_field(message, "channel", str),
            )
        case "DTMF_END":
            return DtmfEnd(_digit(message))
        case "MEDIA_MARK_PROCESSED":
            return MarkProcessed(_field(message, "correlation_id", str))
        case "MEDIA_XOFF":
            return MediaXoff()
        case "ERROR":
            return Refused(_field(message, "error_text", str))
    return Other(name)


def encode(command: Command, correlation_id: str = "") -> bytes:
    """The text of `command`; Asterisk reports a MARK_MEDIA by its `correlation_id`.

    Raises:
        CommandLengthError: longer than Asterisk takes.
    """
    message = {"command": command.value}
    if correlation_id:
        message["correlation_id"] = correlation_id
    text = _COMPACT.encode(message).encode()
    if len(text) > MAX_COMMAND_BYTES:
        raise CommandLengthError(
            f"made a command of {len(text)} bytes, expected at most {MAX_COMMAND_BYTES}"
        )
    return text


def _parse(text: bytes | bytearray) -> dict[str, object]:
    try:
        message = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise MessageSyntaxError(
            f"read {_short(text)}, expected JSON (does the dial string have f(json)?)"
        ) from None
    if not isinstance(message, dict):
        raise MessageSyntaxError(f"read {_short(text)}, expected a JSON object")
    return message


def _field(message: dict[str, object], name: str, kind: type[T]) -> T:
    value = message.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        found = "nothing" if name not in message else _short(value)
        where = f"{name} of {_short(message.get('event'))}" if name != "event" else name
        expected = "text" if kind is str else "a whole number"
        raise MessageValueError(f"read {found} as {where}, expected {expected}")
    return value


def _digit(message: dict[str, object]) -> str:
    digit = _field(message, "digit", str)
    if digit not in _DIGITS:
        raise MessageValueError(f"read DTMF {_short(digit)}, expected one of 0-9, A-D, * and #")
    return digit.upper()


def _short(value: object) -> str:
    shown = repr(bytes(value) if isinstance(value, bytearray) else value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
