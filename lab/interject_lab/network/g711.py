"""G.711, the codec of the telephone network: 8-bit companded PCM, mu-law and A-law.

ITU-T Recommendation G.711 (1988), tables 1 and 2, on the 16-bit scale that telephony software
uses: a mu-law magnitude is the 14-bit value times 4, an A-law magnitude the 13-bit value times 8.
Every conversion is one table look-up, so that whole calls cost microseconds.
"""

from typing import Literal

import numpy as np
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


def encode(pcm: Pcm, law: Law) -> NDArray[np.uint8]:
    """Code words of `pcm`, same shape."""
    return _ENCODE[law][pcm.astype(np.int32) + 32768]


def decode(codes: NDArray[np.uint8], law: Law) -> Pcm:
    """Linear PCM of `codes`, same shape."""
    return _DECODE[law][codes]


def roundtrip(pcm: Pcm, law: Law) -> Pcm:
    """`pcm` as it comes out of one G.711 leg, same shape."""
    return _ROUNDTRIP[law][pcm.astype(np.int32) + 32768]
