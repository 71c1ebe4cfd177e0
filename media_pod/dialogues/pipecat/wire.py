"""Messages between a pod and its pipecat process, over a local socket.

A message is a kind of one byte, the length of its payload (32 bits, big-endian), and the payload:
16-bit little-endian mono PCM at the line's rate, or a JSON object. Needs the standard library
alone, because the process may have an interpreter without the pod's packages.
"""

import json
import struct
from enum import IntEnum
from typing import Any, Final

READY_LINE: Final = b"ready"
"""On the standard output of the process, when it can take calls."""
MAX_PAYLOAD_BYTES: Final = 4 * 2**20
"""Two minutes of audio at 16 kHz: a caller's turn that is heard again comes at once."""
WINDOW_S: Final = 2.0
"""Speech of the pipeline that the pod has not taken yet; the pipeline's output waits then."""

_HEADER: Final = struct.Struct(">BI")


class MessageKind(IntEnum):
    """Of a message; P from the pod, W from the process."""

    START = 1
    """P: a call begins; JSON with its facts."""
    READY = 2
    """W: its pipeline runs."""
    AUDIO = 3
    """P, W: the caller's or the bot's."""
    CALLER_STARTED = 4
    """P: the caller's turn begins."""
    CALLER_STOPPED = 5
    """P: it is over."""
    INTERRUPT = 6
    """P: the bot fell silent; JSON with what was `heard` of its turn."""
    SILENCED = 7
    """W: nothing of the interrupted turn comes any more."""
    TEXT = 8
    """W: JSON with a `text` of the bot and its `start` and `end`, in samples of the turn; one with
    the `number` of an earlier text replaces that."""
    TAKEN = 9
    """P: JSON with `samples` of the bot's speech that were taken."""
    DIGIT = 10
    """P: JSON with a `digit` that the caller keyed."""
    END = 11
    """W: the pipeline has ended; JSON with an `error`, "" if it ended by itself."""


class WireError(Exception):
    """Bytes that are no message."""


def encoded(kind: MessageKind, payload: bytes = b"") -> bytes:
    """A message."""
    return _HEADER.pack(kind, len(payload)) + payload


def encoded_json(kind: MessageKind, **fields: Any) -> bytes:
    """A message with a JSON object."""
    return encoded(kind, json.dumps(fields).encode())


class MessageDecoder:
    """Bytes in, cut anywhere; messages out."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[tuple[MessageKind, bytes]]:
        """The messages that `data` completes. Raises WireError."""
        self._pending += data
        messages: list[tuple[MessageKind, bytes]] = []
        start = 0
        while len(self._pending) - start >= _HEADER.size:
            number, size = _HEADER.unpack_from(self._pending, start)
            if size > MAX_PAYLOAD_BYTES or number not in MessageKind._value2member_map_:
                raise WireError(f"found kind {number} with {size} bytes, expected a message")
            end = start + _HEADER.size + size
            if len(self._pending) < end:
                break
            messages.append((MessageKind(number), bytes(self._pending[start + _HEADER.size : end])))
            start = end
        del self._pending[:start]
        return messages


def fields(payload: bytes) -> dict[str, Any]:
    """The JSON object of a message. Raises WireError."""
    try:
        found = json.loads(payload)
    except ValueError as error:
        raise WireError(f"expected JSON: {error}") from error
    if not isinstance(found, dict):
        raise WireError(f"expected a JSON object, found {str(found)[:100]!r}")
    return found
