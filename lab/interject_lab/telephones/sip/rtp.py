"""RTP packets, bytes to fields and back (RFC 3550, section 5.1); no sockets, no clock.

Contributing sources, a header extension and padding are understood and left out: none of them
carries sound.
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
    """Bytes that are no RTP packet; the message says what was read and what was expected."""


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
    """How far `later` lies behind `earlier`, both counted modulo 2**`bits`; negative if before."""
    half = 1 << (bits - 1)
    return (later - earlier + half) % (1 << bits) - half
