"""The codecs of the telephone's RTP: G.711 in both laws, and G.722.

All three have one byte per unit of their RTP clock of 8 kHz. That of G.722 runs at 8 kHz although
its audio has 16 kHz: an error of the first registration that was kept (RFC 3551, section 4.5.2).
"""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from G722 import G722
from numpy.typing import NDArray

from interject_lab.network import g711

Pcm = NDArray[np.int16]
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

    def __init__(self, name: CodecName, payload_type: int, law: g711.Law) -> None:
        self.name: CodecName = name
        self.payload_type = payload_type
        self._law = law

    def encode(self, pcm: Pcm) -> bytes:
        return g711.encode(pcm, self._law).tobytes()

    def decode(self, payload: bytes) -> Pcm:
        return g711.decode(np.frombuffer(payload, np.uint8), self._law)


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
