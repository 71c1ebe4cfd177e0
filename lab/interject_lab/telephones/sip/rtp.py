"""RTP packets (RFC 3550, section 5.1) and telephone events (RFC 4733); no sockets, no clock.

Contributing sources, a header extension and padding are parsed and skipped: none of them carries
sound.

A digit is a series of event packets. The first has the marker; every 20 ms an update has a longer
duration; the last, with the end bit, is sent three times. All have the timestamp of the event's
beginning.
"""

import struct
from dataclasses import dataclass
from typing import Self

from interject_lab.errors import LabError

HEADER_BYTES = 12

_VERSION = 2
_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


class RtpError(LabError):
    """Bytes that are not an RTP packet; the message has what was read and what was expected."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet. Sequence numbers count packets, timestamps count the codec's RTP clock."""

    payload_type: int
    """0-127"""
    sequence: int
    """0-65535"""
    timestamp: int
    """0 to 2**32 - 1"""
    ssrc: int
    """0 to 2**32 - 1"""
    payload: bytes
    marker: bool = False
    """The first packet after a silence, or of an event."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The packet in `data`.

        Raises:
            RtpError: `data` is too short for what its header announces, or of another version.
        """
        if len(data) < HEADER_BYTES:
            raise RtpError(f"read {len(data)} bytes, expected an RTP header of {HEADER_BYTES}")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != _VERSION:
            raise RtpError(f"read version {first >> 6} of RTP, expected {_VERSION}")
        start = HEADER_BYTES + 4 * (first & 0x0F)
        if first & 0x10:
            start = _extension_end(data, start)
        end = len(data) - (data[-1] if first & 0x20 else 0)
        if end < start or (first & 0x20 and data[-1] == 0):
            raise RtpError(
                f"read {len(data)} bytes of RTP, expected {start} of header"
                f" and {len(data) - end} of padding at most"
            )
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[start:end],
            marker=bool(second & 0x80),
        )

    def __bytes__(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        header = _HEADER.pack(_VERSION << 6, second, self.sequence, self.timestamp, self.ssrc)
        return header + self.payload


def _extension_end(data: bytes, start: int) -> int:
    if len(data) < start + _EXTENSION.size:
        raise RtpError(
            f"read {len(data)} bytes of RTP, expected {start + _EXTENSION.size} with the extension"
        )
    _, words = _EXTENSION.unpack_from(data, start)
    return start + _EXTENSION.size + 4 * int(words)


def distance(later: int, earlier: int, bits: int) -> int:
    """`later` - `earlier`, both modulo 2**`bits`; negative if `later` is before `earlier`."""
    half = 1 << (bits - 1)
    return (later - earlier + half) % (1 << bits) - half


DIGITS = "0123456789*#ABCD"
"""The event code of a digit is its index (RFC 4733, table 3)."""
EVENT_MS = 160
UPDATE_MS = 20
END_PACKETS = 3
CLOCK_HZ = 8000

_PAYLOAD = struct.Struct("!BBH")
_VOLUME = 10
"""10 dB below the full level, as in most telephones."""


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """The payload of one event packet."""

    code: int
    """0-15 are the DTMF digits."""
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
        """The DTMF digit; None for another event."""
        return DIGITS[self.code] if self.code < len(DIGITS) else None


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet of the event_packets, relative to the beginning of its event."""

    after_ms: int
    event: TelephoneEvent
    marker: bool


def event_packets(digit: str, event_ms: int = EVENT_MS) -> list[EventPacket]:
    """The packets of one press of `digit` for `event_ms`, a multiple of 20 ms, in order of time.

    Raises:
        LabError: not a DTMF digit.
    """
    if len(digit) != 1 or digit not in DIGITS:
        raise LabError(f"no DTMF digit {digit!r}: expected one of {DIGITS}")
    code = DIGITS.index(digit)
    packets = [
        EventPacket(
            after_ms, TelephoneEvent(code, False, _units(after_ms + UPDATE_MS)), after_ms == 0
        )
        for after_ms in range(0, event_ms, UPDATE_MS)
    ]
    end = TelephoneEvent(code, True, _units(event_ms))
    packets += [EventPacket(event_ms + k * UPDATE_MS, end, False) for k in range(END_PACKETS)]
    return packets


def _units(duration_ms: int) -> int:
    return duration_ms * CLOCK_HZ // 1000
