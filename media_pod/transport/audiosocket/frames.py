"""AudioSocket frames: bytes in, frames out, and back. No I/O and no audio arithmetic.

A frame is a header of three bytes, the kind and the payload's length (big endian, 16 bits), and
the payload. The protocol has no version, no sequence numbers and no timestamps.

    AudioSocketError
      UnknownKindError          a kind that the protocol does not have, longer than any other
      PayloadLengthError        a payload longer or shorter than its kind allows
      PayloadValueError         a payload of the right length with a value that does not exist
      TruncatedFrameError       the stream ended inside a frame
      HandshakeError            .protocol: a connection that does not begin with a UUID
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from media_pod.errors import InterjectError


class AudioSocketError(InterjectError):
    """Bytes that are not AudioSocket, or not at this point of a connection."""


class UnknownKindError(AudioSocketError):
    """A kind that the protocol does not have, longer than any other."""


class PayloadLengthError(AudioSocketError):
    """A payload longer or shorter than its kind allows."""


class PayloadValueError(AudioSocketError):
    """A payload of the right length with a value that does not exist."""


class TruncatedFrameError(AudioSocketError):
    """The stream ended inside a frame."""


class FrameKind(IntEnum):
    """What a frame carries; the names of the audio kinds are Asterisk's names of the formats."""

    HANGUP = 0x00
    UUID = 0x01
    DTMF = 0x03
    SLIN = 0x10
    SLIN12 = 0x11
    SLIN16 = 0x12
    SLIN24 = 0x13
    SLIN32 = 0x14
    SLIN44 = 0x15
    SLIN48 = 0x16
    SLIN96 = 0x17
    SLIN192 = 0x18
    ERROR = 0xFF


RATES_HZ: Final[Mapping[FrameKind, int]] = {
    FrameKind.SLIN: 8000,
    FrameKind.SLIN12: 12000,
    FrameKind.SLIN16: 16000,
    FrameKind.SLIN24: 24000,
    FrameKind.SLIN32: 32000,
    FrameKind.SLIN44: 44100,
    FrameKind.SLIN48: 48000,
    FrameKind.SLIN96: 96000,
    FrameKind.SLIN192: 192000,
}
"""Sampling rate of each audio kind: mono linear PCM, 16 bits, little endian."""

HEADER_BYTES = 3
UUID_BYTES = 16
MAX_PAYLOAD_BYTES = 23040
"""The default bound of a `Decoder`: 60 ms, the longest usual ptime, at 192 kHz."""

_DIGITS = b"0123456789ABCDabcd*#"
# Asterisk's SendDTMF passes lower-case digits on as they are written.

_SENT_LENGTHS: Final[Mapping[FrameKind, range]] = {
    FrameKind.HANGUP: range(0, 1),
    FrameKind.UUID: range(UUID_BYTES, UUID_BYTES + 1),
    FrameKind.DTMF: range(1, 2),
    **{kind: range(2, 0x10000, 2) for kind in RATES_HZ},
    FrameKind.ERROR: range(0, 0x10000),
}
# An odd number of bytes is half a sample: Asterisk plays such a frame and drops the half, but
# sends one only if the payload is not linear PCM (a Dial without /c(slin) sends the caller's own
# codec as 0x10), which played as PCM is noise. So odd audio is an error in both directions.
# Empty audio costs the call in one direction alone: Asterisk takes it for an error and hangs up,
# but writes one itself for a frame that its jitter buffer made up without content.
_READ_LENGTHS: Final[Mapping[FrameKind, range]] = {
    **_SENT_LENGTHS,
    **{kind: range(0, 0x10000, 2) for kind in RATES_HZ},
}
_READ_RULES: Final[Mapping[int, tuple[FrameKind, range]]] = {
    int(kind): (kind, lengths) for kind, lengths in _READ_LENGTHS.items()
}
_LENGTHS_IN_WORDS: Final[Mapping[FrameKind, str]] = {
    FrameKind.HANGUP: "0",
    FrameKind.UUID: "16",
    FrameKind.DTMF: "1",
    FrameKind.ERROR: "any number",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `Decoder` makes only valid ones; `encode` refuses any other."""

    kind: FrameKind
    payload: bytes = b""

    @property
    def rate_hz(self) -> int:
        """Sampling rate of an audio frame; 0 for a frame that is not audio."""
        return RATES_HZ.get(self.kind, 0)

    @property
    def uuid(self) -> UUID:
        """The identity that a UUID frame carries.

        Raises:
            ValueError: the payload is not 16 bytes long.
        """
        return UUID(bytes=self.payload)

    @property
    def digit(self) -> str:
        """The digit of a DTMF frame: 0-9, A-D, * or #."""
        return self.payload.decode("ascii").upper()


HANGUP = Frame(FrameKind.HANGUP)


def audio_kind(rate_hz: int) -> FrameKind:
    """The audio kind of a sampling rate.

    Raises:
        ValueError: AudioSocket has no such rate.
    """
    for kind, kind_rate_hz in RATES_HZ.items():
        if kind_rate_hz == rate_hz:
            return kind
    raise ValueError(f"read a rate of {rate_hz} Hz, expected one of {sorted(RATES_HZ.values())}")


def header(kind: FrameKind, payload_bytes: int) -> bytes:
    """The three bytes in front of a payload.

    Raises:
        PayloadLengthError: a length that the kind does not allow.
    """
    if payload_bytes not in _SENT_LENGTHS[kind]:
        raise _wrong_length(kind, payload_bytes, "an even number from 2 to 65534")
    return bytes((kind, payload_bytes >> 8, payload_bytes & 0xFF))


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`.

    Raises:
        PayloadLengthError: a length that the kind does not allow; for audio 0 and odd ones, with
            which Asterisk ends the call or plays noise.
        PayloadValueError: a DTMF digit that does not exist.
    """
    head = header(frame.kind, len(frame.payload))
    if frame.kind is FrameKind.DTMF and frame.payload not in _DIGITS:
        raise _wrong_digit(frame.payload)
    return head + frame.payload


class Decoder:
    """Bytes to frames, however the bytes are cut.

    A bad frame loses nothing that came before it: `feed` returns those frames and keeps the error
    in `error`; every later `feed`, `split` or `eof` raises it. A header is checked as soon as its
    three bytes are there, so the decoder never keeps more than one header and `max_payload_bytes`.
    A frame of a kind that it does not know, of a later Asterisk, is skipped by its length.
    """

    def __init__(self, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self._max_payload_bytes = max_payload_bytes
        self._rest = b""
        self.error: AudioSocketError | None = None
        """Why nothing after the frames returned so far can be read."""
        self.skipped_frames = 0
        """Of unknown kinds."""
        self.skipped_kind = 0
        """The kind of the latest of them."""

    @property
    def pending(self) -> int:
        """Bytes kept of a frame that is not complete."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Raises:
            AudioSocketError: an earlier call found a bad frame.
        """
        return [Frame(kind, payload) for kind, payload in self.split(data)]

    def split(self, data: bytes) -> list[tuple[FrameKind, bytes]]:
        """As `feed`, without a `Frame` for each: to make one takes about 1 us.

        Raises:
            AudioSocketError: an earlier call found a bad frame.
        """
        self._raise_if_failed()
        if self._rest:
            data = self._rest + data
        frames: list[tuple[FrameKind, bytes]] = []
        start = 0
        while len(data) - start >= HEADER_BYTES:
            length = data[start + 1] << 8 | data[start + 2]
            rule = _READ_RULES.get(data[start])
            too_long = length > self._max_payload_bytes
            if too_long or (rule is not None and length not in rule[1]):
                self._fail(_bad_header(data[start], length, self._max_payload_bytes))
                return frames
            end = start + HEADER_BYTES + length
            if end > len(data):
                break
            if rule is None:
                self.skipped_frames, self.skipped_kind = self.skipped_frames + 1, data[start]
                start = end
                continue
            payload = data[start + HEADER_BYTES : end]
            if rule[0] is FrameKind.DTMF and payload not in _DIGITS:
                self._fail(_wrong_digit(payload))
                return frames
            frames.append((rule[0], payload))
            start = end
        self._rest = data[start:]
        return frames

    def eof(self) -> None:
        """Declare the end of the stream.

        Raises:
            TruncatedFrameError: the last frame is not complete.
            AudioSocketError: an earlier call found a bad frame.
        """
        self._raise_if_failed()
        rest = self._rest
        if not rest:
            return
        if len(rest) < HEADER_BYTES:
            where = f"after {len(rest)} bytes of a header, expected {HEADER_BYTES}"
        else:
            rule = _READ_RULES.get(rest[0])
            name = rule[0].name if rule else f"unknown {rest[0]:#04x}"
            length = rest[1] << 8 | rest[2]
            where = f"after {len(rest) - HEADER_BYTES} bytes of {name} payload, expected {length}"
        self._fail(TruncatedFrameError(f"read the end of the stream {where}"))
        self._raise_if_failed()

    def _fail(self, error: AudioSocketError) -> None:
        self.error = error
        self._rest = b""

    def _raise_if_failed(self) -> None:
        if self.error is not None:
            raise self.error.with_traceback(None)


def _bad_header(kind: int, length: int, max_payload_bytes: int) -> AudioSocketError:
    if kind not in _READ_RULES:
        return UnknownKindError(
            f"read a frame of kind {kind:#04x} with {length} bytes, "
            f"expected at most {max_payload_bytes}"
        )
    known = FrameKind(kind)
    if length not in _READ_LENGTHS[known]:
        return _wrong_length(known, length, "an even number (not linear PCM? Dial needs /c(slin))")
    return PayloadLengthError(
        f"read {length} bytes of {known.name} payload, expected at most {max_payload_bytes}"
    )


def _wrong_length(kind: FrameKind, length: int, audio_lengths: str) -> PayloadLengthError:
    expected = _LENGTHS_IN_WORDS.get(kind, audio_lengths)
    return PayloadLengthError(f"read {length} bytes of {kind.name} payload, expected {expected}")


def _wrong_digit(payload: bytes) -> PayloadValueError:
    return PayloadValueError(f"read DTMF {payload!r}, expected one of 0-9, A-D, * and #")
