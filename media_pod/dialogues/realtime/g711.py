"""G.711 mu-law, which an 8 kHz line and a Realtime server share: nothing is resampled.

ITU-T Recommendation G.711 (1988), table 2, on a scale of 16 bits: the 14-bit value times 4.
"""

import numpy as np
from numpy.typing import NDArray

from media_pod.providers.ports import Pcm

Codes = NDArray[np.uint8]

_BIAS = 132
"""Added to a magnitude, it makes each segment begin at a power of two."""


def encoded(pcm: Pcm) -> bytes:
    """[samples] as one byte each: the nearest of the 256 levels."""
    return _CODES[pcm.view(np.uint16)].tobytes()


def decoded(data: bytes) -> Pcm:
    """[bytes] one sample for each byte."""
    return _LEVELS[np.frombuffer(data, np.uint8)]


def _levels() -> Pcm:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << ((code >> 4) & 0x07)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _codes() -> Codes:
    # Codes 0xFF down to 0x80 are the positive levels, in order of their size.
    positive = _LEVELS[0xFF:0x7F:-1].astype(np.int32)
    limits = (positive[1:] + positive[:-1]) // 2
    samples = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32)
    codes = 0xFF - np.searchsorted(limits, np.abs(samples), side="right")
    return np.where(samples < 0, codes & 0x7F, codes).astype(np.uint8)


_LEVELS = _levels()
_CODES = _codes()
