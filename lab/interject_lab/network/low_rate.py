"""The codecs of mobile telephones: GSM 06.10 and AMR narrowband, as one link each.

FFmpeg, which PyAV's wheels bring, has AMR both ways and decodes GSM; libsndfile encodes GSM. Both
codecs work in frames of 20 ms at 8 kHz, and a frame's code depends on those before it.
"""

from typing import Any, Final, Protocol

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from interject_lab.errors import LabError
from interject_lab.network.impairments import LowRate

Pcm = NDArray[np.int16]

RATE_HZ: Final = 8000

_AMR_LOOK_AHEAD_SAMPLES: Final = 40
"""5 ms (3GPP TS 26.090); measured by cross-correlation, it is the same at all three rates."""


class LowRateLink(Protocol):
    """One direction of one call; has state, so frames must come in order."""

    delay_samples: int
    """How much later the sound is in the decoder's frame than in the coder's."""

    def roundtrip(self, pcm: Pcm) -> Pcm:
        """int16 [20 ms] coded and decoded."""
        ...


def low_rate_link(codec: LowRate, rate_hz: int) -> LowRateLink:
    """A fresh coder and decoder.

    Raises:
        LabError: a line of another rate than the codec's.
    """
    if rate_hz != RATE_HZ:
        raise LabError(f"the codec {codec} on a line at {rate_hz} Hz: expected one at {RATE_HZ} Hz")
    return _Gsm() if codec == "gsm" else _Amr(int(codec.removeprefix("amr_")))


class _Gsm:
    delay_samples = 0

    def __init__(self) -> None:
        self._coded = _Sink()
        self._coder = soundfile.SoundFile(
            self._coded, "w", RATE_HZ, channels=1, format="RAW", subtype="GSM610"
        )
        self._decoder = _decoder("gsm")

    def roundtrip(self, pcm: Pcm) -> Pcm:
        self._coder.write(pcm)
        self._coder.flush()
        return _decoded(self._decoder, av.Packet(self._coded.take()))


class _Amr:
    delay_samples = _AMR_LOOK_AHEAD_SAMPLES

    def __init__(self, bits_per_s: int) -> None:
        coder = av.CodecContext.create("libopencore_amrnb", "w")
        assert isinstance(coder, av.AudioCodecContext)
        coder.sample_rate, coder.layout, coder.format = RATE_HZ, "mono", "s16"
        coder.bit_rate = bits_per_s
        self._coder = coder
        self._decoder = _decoder("libopencore_amrnb")

    def roundtrip(self, pcm: Pcm) -> Pcm:
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        (packet,) = self._coder.encode(frame)
        return _decoded(self._decoder, packet)


class _Sink:
    """The file that libsndfile writes code into; it is emptied after every frame."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._written = 0

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken

    def write(self, data: bytes) -> int:
        self._pending += data
        self._written += len(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        # A raw file has no header to go back to: libsndfile only asks where it is.
        return self._written

    def tell(self) -> int:
        return self._written


def _decoder(name: str) -> av.AudioCodecContext:
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = RATE_HZ, "mono"
    return decoder


def _decoded(decoder: av.AudioCodecContext, packet: "av.Packet[Any]") -> Pcm:
    (frame,) = decoder.decode(packet)
    return np.asarray(frame.to_ndarray()[0], np.int16)
