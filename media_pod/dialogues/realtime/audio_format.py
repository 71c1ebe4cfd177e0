"""Audio as a Realtime server takes and gives it, to and from samples at the line's rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import soxr

from media_pod.dialogues.realtime import g711
from media_pod.providers.ports import Pcm
from media_pod.providers.tts.pcm_stream import PcmStream

CALLER_QUALITY: Final = "HQ"
"""Of soxr: 20 bits, more than a telephone's audio has."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One of the formats of the Realtime API (guide "Realtime conversations", audio formats)."""

    name: str
    """In the manifest."""
    rate_hz: int
    bytes_per_sample: int
    session: Mapping[str, Any]
    """In a session."""
    beta_session: str
    """In a session of the API's beta."""

    def duration_ms(self, size: int) -> int:
        """Duration of so many bytes, rounded down."""
        return size // self.bytes_per_sample * 1000 // self.rate_hz


G711: Final = AudioFormat("g711", 8000, 1, {"type": "audio/pcmu"}, "g711_ulaw")
PCM: Final = AudioFormat("pcm", 24_000, 2, {"type": "audio/pcm", "rate": 24_000}, "pcm16")


class CallerAudio:
    """The caller's audio of one utterance, in; bytes to send, out.

    Args:
        audio_format: of the bytes.
        rate_hz: of the line.
    """

    def __init__(self, audio_format: AudioFormat, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._format = audio_format
        self._resampler: soxr.ResampleStream | None = None
        if audio_format.rate_hz != rate_hz:
            self._resampler = soxr.ResampleStream(
                rate_hz, audio_format.rate_hz, 1, dtype="float32", quality=CALLER_QUALITY
            )

    def feed(self, pcm: Pcm) -> bytes:
        """The bytes that `pcm` completes."""
        return self._encoded(pcm, last=False)

    def finish(self) -> bytes:
        """The bytes that the resampler still holds."""
        return self._encoded(np.zeros(0, np.int16), last=True)

    def _encoded(self, pcm: Pcm, last: bool) -> bytes:
        if self._resampler is not None:
            # Not in int16: soxr adds dither, and the bytes would depend on how they were split.
            samples = pcm.astype(np.float32)
            pcm = _rounded(self._resampler.resample_chunk(samples, last=last))
        return g711.encoded(pcm) if self._format is G711 else pcm.astype("<i2").tobytes()


class BotAudio:
    """Bytes of one item of the model, in; samples at the line's rate, out.

    Nothing is trimmed and the level is the model's: a position in the samples is one in the item.

    Args:
        audio_format: of the bytes.
        rate_hz: of the line.
    """

    def __init__(self, audio_format: AudioFormat, rate_hz: int) -> None:
        self._format = audio_format
        self._stream = PcmStream(audio_format.rate_hz, rate_hz)
        self._size = 0

    @property
    def duration_ms(self) -> int:
        """Of the item so far, rounded down."""
        return self._format.duration_ms(self._size)

    def feed(self, data: bytes) -> Pcm:
        """The samples that `data`, cut anywhere, completes."""
        self._size += len(data)
        if self._format is G711:
            data = g711.decoded(data).astype("<i2").tobytes()
        return _rounded(self._stream.feed(data))

    def finish(self) -> Pcm:
        """The samples that the resampler still holds."""
        return _rounded(self._stream.finish())


def _rounded(samples: "np.ndarray[Any, np.dtype[np.float32]]") -> Pcm:
    pcm: Pcm = np.rint(np.clip(samples, -32768, 32767)).astype(np.int16)
    return pcm
