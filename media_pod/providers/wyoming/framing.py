"""Wyoming's framing: bytes in, events out.

An event is a line of JSON (type, data, data_length, payload_length), then `data_length` bytes of
JSON that are merged into data, then `payload_length` bytes of payload. The `wyoming` package has
the events and writes them. Its readers take None both for the end of the stream and for a line that
is not JSON, and have no limits on sizes, so events are read here.
"""

import io
import json
from dataclasses import dataclass
from typing import Any, Final

from wyoming.event import Event, write_event

from media_pod.providers.ports import FailureKind, ProviderError

MAX_JSON_BYTES: Final = 1 << 20
"""Of a line, and of the data after it. A description of 174 voices has 86 kB."""
MAX_PAYLOAD_BYTES: Final = 1 << 22
"""A clause of 40 s at 48 kHz, in one event. Servers send 2 kB at a time."""
_SHOWN_BYTES: Final = 40
"""Of a bad line, in the message."""


def encoded(event: Event) -> bytes:
    """The bytes of an event."""
    buffer = io.BytesIO()
    write_event(event, buffer)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Head:
    """A line, and the sizes of what follows it."""

    kind: str
    data: dict[str, Any]
    data_bytes: int
    payload_bytes: int


class EventDecoder:
    """Reads the events of one connection. It keeps at most one incomplete event.

    Args:
        peer: name of the server in messages.
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._buffer = bytearray()
        self._searched = 0
        self._head: _Head | None = None

    @property
    def mid_event(self) -> bool:
        """Part of an event has come."""
        return self._head is not None or bool(self._buffer)

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes, in order.

        Raises:
            ProviderError: what came is not Wyoming, or is too long; the decoder is of no more use.
        """
        self._buffer += data
        events = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        if self._head is None:
            line = self._line()
            if line is None:
                return None
            self._head = self._parsed(line)
        head = self._head
        if len(self._buffer) < head.data_bytes + head.payload_bytes:
            return None
        data = head.data
        if head.data_bytes:
            data = data | self._object(self._taken(head.data_bytes))
        payload = self._taken(head.payload_bytes) if head.payload_bytes else None
        self._head = None
        return Event(head.kind, data, payload)

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        self._searched = len(self._buffer)
        if (len(self._buffer) if end < 0 else end) > MAX_JSON_BYTES:
            raise self._error(f"a line of more than {MAX_JSON_BYTES} bytes")
        if end < 0:
            return None
        return self._taken(end + 1)

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        return taken

    def _parsed(self, line: bytes) -> _Head:
        head = self._object(line)
        kind, data = head.get("type"), head.get("data") or {}
        if not isinstance(kind, str) or not isinstance(data, dict):
            raise self._error(f"the line {_shown(line)}")
        data_bytes = self._size(head, "data_length", MAX_JSON_BYTES)
        return _Head(kind, data, data_bytes, self._size(head, "payload_length", MAX_PAYLOAD_BYTES))

    def _object(self, text: bytes) -> dict[str, Any]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise self._error(f"the line {_shown(text)}") from None
        if not isinstance(value, dict):
            raise self._error(f"the line {_shown(text)}")
        return value

    def _size(self, head: dict[str, Any], key: str, most: int) -> int:
        size = head.get(key) or 0
        if not isinstance(size, int) or not 0 <= size <= most:
            raise self._error(f"{key} {str(size)[:_SHOWN_BYTES]}, at most {most} is allowed")
        return size

    def _error(self, found: str) -> ProviderError:
        return ProviderError(
            f"{self._peer} sent {found}; expected an event of the Wyoming protocol",
            FailureKind.BAD_ANSWER,
        )


def _shown(line: bytes) -> str:
    return repr(line[:_SHOWN_BYTES].decode(errors="replace").strip())
