"""Keys of the telephone as RTP events (RFC 4733): a digit as the packets that tell it.

The first packet has the marker; every 20 ms an update tells a longer duration; the last, with the
end bit, is sent three times. All have the timestamp of the event's beginning.
"""

import struct
from dataclasses import dataclass
from typing import Self

from interject_lab.errors import LabError
from interject_lab.telephones.sip.rtp import RtpError

DIGITS = "0123456789*#ABCD"
"""The event code of a key is its place here (RFC 4733, table 3)."""
EVENT_MS = 160
UPDATE_MS = 20
END_PACKETS = 3
CLOCK_HZ = 8000

_PAYLOAD = struct.Struct("!BBH")
_VOLUME = 10
"""10 dB below the full level, as most telephones say."""


@dataclass(frozen=True, slots=True)
class Event:
    """The payload of one event packet."""

    code: int
    """0-15 are the keys."""
    end: bool
    duration: int
    """So far, in units of the RTP clock; 0-65535."""
    volume: int = _VOLUME
    """0-63 dB below the full level."""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """The event in `payload`.

        Raises:
            RtpError: the payload is too short.
        """
        if len(payload) < _PAYLOAD.size:
            raise RtpError(f"read an event of {len(payload)} bytes, expected {_PAYLOAD.size}")
        code, flags, duration = _PAYLOAD.unpack_from(payload)
        return cls(code, bool(flags & 0x80), duration, flags & 0x3F)

    def __bytes__(self) -> bytes:
        flags = (0x80 if self.end else 0) | self.volume
        return _PAYLOAD.pack(self.code, flags, self.duration)

    @property
    def digit(self) -> str | None:
        """The key; None if the event is another."""
        return DIGITS[self.code] if self.code < len(DIGITS) else None


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet of the series, relative to the beginning of its event."""

    after_ms: int
    event: Event
    marker: bool


def series(digit: str, event_ms: int = EVENT_MS) -> list[EventPacket]:
    """The packets of one press of `digit` for `event_ms`, a multiple of 20 ms, in order of time.

    Raises:
        LabError: the telephone has no such key.
    """
    if len(digit) != 1 or digit not in DIGITS:
        raise LabError(f"the telephone has no key {digit!r}: press one of {DIGITS}")
    code = DIGITS.index(digit)
    packets = [
        EventPacket(after_ms, Event(code, False, _units(after_ms + UPDATE_MS)), after_ms == 0)
        for after_ms in range(0, event_ms, UPDATE_MS)
    ]
    end = Event(code, True, _units(event_ms))
    packets += [EventPacket(event_ms + k * UPDATE_MS, end, False) for k in range(END_PACKETS)]
    return packets


def _units(duration_ms: int) -> int:
    return duration_ms * CLOCK_HZ // 1000
