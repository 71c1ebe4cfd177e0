"""The codecs of the telephone network: G.711 in both laws, and G.722.

ITU-T Recommendation G.711 (1988), tables 1 and 2, on the 16-bit scale that telephony software
uses: a mu-law magnitude is the 14-bit value times 4, an A-law magnitude the 13-bit value times 8.
Every conversion is one indexing of a table.

In RTP all three have one byte per unit of an RTP clock of 8 kHz. That of G.722 runs at 8 kHz
although its audio has 16 kHz: an error of the first registration that was kept (RFC 3551, section
4.5.2).
"""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from G722 import G722
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Law = Literal["mu", "a"]

_MU_BIAS = 132
_MU_CLIP = 32635


def _mu_decode_table() -> Pcm:
    code = np.arange(256) ^ 0xFF
    magnitude = ((((code & 0x0F) << 3) + _MU_BIAS) << ((code >> 4) & 7)) - _MU_BIAS
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude), np.int16)


def _mu_encode_table() -> NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    magnitude = np.minimum(np.abs(linear), _MU_CLIP) + _MU_BIAS
    segment = np.log2(magnitude).astype(int) - 7
    code = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F)
    return np.asarray((code | np.where(linear < 0, 0x80, 0)) ^ 0xFF, np.uint8)


def _a_decode_table() -> Pcm:
    code = np.arange(256) ^ 0x55
    segment = (code >> 4) & 7
    step = ((code & 0x0F) << 4) + np.where(segment > 0, 0x108, 8)
    magnitude = step << np.maximum(segment - 1, 0)
    return np.asarray(np.where(code & 0x80, magnitude, -magnitude), np.int16)


def _a_encode_table() -> NDArray[np.uint8]:
    linear = np.arange(-32768, 32768)
    # A-law has no code for zero: the smallest negative step begins at -1.
    magnitude = np.where(linear < 0, ~linear, linear)
    segment = np.maximum(np.log2(np.maximum(magnitude, 1)).astype(int) - 7, 0)
    code = (segment << 4) | ((magnitude >> (np.maximum(segment, 1) + 3)) & 0x0F)
    return np.asarray((code | np.where(linear < 0, 0, 0x80)) ^ 0x55, np.uint8)


_DECODE: dict[Law, Pcm] = {"mu": _mu_decode_table(), "a": _a_decode_table()}
_ENCODE: dict[Law, NDArray[np.uint8]] = {"mu": _mu_encode_table(), "a": _a_encode_table()}
_ROUNDTRIP: dict[Law, Pcm] = {law: _DECODE[law][_ENCODE[law]] for law in _DECODE}


def g711_encode(pcm: Pcm, law: Law) -> NDArray[np.uint8]:
    """Code words of `pcm`, same shape."""
    return _ENCODE[law][pcm.astype(np.int32) + 32768]


def g711_decode(codes: NDArray[np.uint8], law: Law) -> Pcm:
    """Linear PCM of `codes`, same shape."""
    return _DECODE[law][codes]


def g711_roundtrip(pcm: Pcm, law: Law) -> Pcm:
    """`pcm` as it comes out of one G.711 link, same shape."""
    return _ROUNDTRIP[law][pcm.astype(np.int32) + 32768]


CodecName = Literal["PCMU", "PCMA", "G722"]

CLOCK_HZ = 8000
"""The RTP clock of each of them."""

_G722_RATE_HZ = 16_000
_G722_BITS_PER_S = 64_000


class Codec(Protocol):
    """One call's coder and decoder; both may have state, so packets must come in order."""

    name: CodecName
    payload_type: int
    rate_hz: int
    """Of the audio."""

    def encode(self, pcm: Pcm) -> bytes:
        """The payload for int16 [samples] of whole units of the RTP clock."""
        ...

    def decode(self, payload: bytes) -> Pcm:
        """int16 [samples] of a payload."""
        ...


class _Pcm8:
    rate_hz = 8000

    def __init__(self, name: CodecName, payload_type: int, law: Law) -> None:
        self.name: CodecName = name
        self.payload_type = payload_type
        self._law = law

    def encode(self, pcm: Pcm) -> bytes:
        return g711_encode(pcm, self._law).tobytes()

    def decode(self, payload: bytes) -> Pcm:
        return g711_decode(np.frombuffer(payload, np.uint8), self._law)


class _Wideband:
    name: CodecName = "G722"
    payload_type = 9
    rate_hz = _G722_RATE_HZ

    def __init__(self) -> None:
        self._state = G722(_G722_RATE_HZ, _G722_BITS_PER_S)

    def encode(self, pcm: Pcm) -> bytes:
        return bytes(self._state.encode(pcm))

    def decode(self, payload: bytes) -> Pcm:
        return np.array(self._state.decode(payload), np.int16)


CODECS: dict[CodecName, Callable[[], Codec]] = {
    "PCMU": lambda: _Pcm8("PCMU", 0, "mu"),
    "PCMA": lambda: _Pcm8("PCMA", 8, "a"),
    "G722": _Wideband,
}
"""A fresh codec for each call."""
