"""The bytes of a voice's audio, as they come from the network, to samples at the line's rate."""

import struct
from typing import Final

import numpy as np
import soxr

from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.tts.level import Samples

QUALITY: Final = "VHQ"
"""soxr's highest quality: 0.3 ms of CPU per second of audio, measured."""
RATES_HZ: Final = range(8000, 48_001)
MAX_HEADER_BYTES: Final = 4096
"""A WAV header has 44 bytes, or some hundred with a list of tags."""

_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
_RIFF_BYTES: Final = 12


class PcmStream:
    """16-bit little-endian mono PCM, cut anywhere, with or without a WAV header in front.

    The sizes in a header are ignored, because a server that streams does not know them: they are 0
    or 0xFFFFFFFF. Its sample rate replaces `source_rate_hz`. The samples do not depend on how the
    bytes were split: soxr's streams are exact.
    """

    def __init__(self, source_rate_hz: int, rate_hz: int) -> None:
        self._source_rate_hz = source_rate_hz
        self._rate_hz = rate_hz
        self._resampler: soxr.ResampleStream | None = None
        self._pending = b""
        self._in_header = True

    def feed(self, data: bytes) -> Samples:
        """The samples that `data` completes, at `rate_hz`.

        Raises:
            ProviderError: a WAV header of another format, or a sample rate out of range.
        """
        return self._resampled(self._whole_samples(data), last=False)

    def finish(self) -> Samples:
        """The samples that the resampler still holds. Half a sample at the end is dropped.

        Raises:
            ProviderError: as `feed`.
        """
        if self._in_header and not self._pending.startswith(b"RIFF"):
            self._in_header = False
        return self._resampled(self._whole_samples(b""), last=True)

    def _whole_samples(self, data: bytes) -> bytes:
        self._pending += data
        if self._in_header:
            self._skip_header()
            if self._in_header:
                return b""
        whole = len(self._pending) // 2 * 2
        samples, self._pending = self._pending[:whole], self._pending[whole:]
        return samples

    def _skip_header(self) -> None:
        if not self._pending.startswith(b"RIFF"):
            self._in_header = b"RIFF".startswith(self._pending)
            return
        start = _RIFF_BYTES
        while start + _CHUNK.size <= len(self._pending):
            name, size = _CHUNK.unpack_from(self._pending, start)
            start += _CHUNK.size
            if name == b"data":
                self._pending = self._pending[start:]
                self._in_header = False
                return
            if name == b"fmt " and start + _FORMAT.size <= len(self._pending):
                self._read_format(start)
            start += size + size % 2
        if max(start, len(self._pending)) > MAX_HEADER_BYTES:
            raise ProviderError(
                f"audio begins with RIFF, but has no samples within {MAX_HEADER_BYTES} bytes; "
                "expected a WAV header or plain PCM",
                FailureKind.BAD_ANSWER,
            )

    def _read_format(self, start: int) -> None:
        _, channels, rate_hz, _, _, bits = _FORMAT.unpack_from(self._pending, start)
        if (channels, bits) != (1, 16):
            raise ProviderError(
                f"audio has a WAV header with {channels} channels of {bits} bits; "
                "expected 1 channel of 16 bits",
                FailureKind.BAD_ANSWER,
            )
        self._source_rate_hz = rate_hz

    def _resampled(self, data: bytes, last: bool) -> Samples:
        samples = np.frombuffer(data, "<i2").astype(np.float32)
        if self._source_rate_hz not in RATES_HZ:
            raise ProviderError(
                f"audio has a sample rate of {self._source_rate_hz} Hz; "
                f"expected {RATES_HZ.start}..{RATES_HZ.stop - 1} Hz",
                FailureKind.BAD_ANSWER,
            )
        if self._source_rate_hz == self._rate_hz:
            return samples
        if self._resampler is None:
            if not samples.size:
                return samples
            self._resampler = soxr.ResampleStream(
                self._source_rate_hz, self._rate_hz, 1, dtype="float32", quality=QUALITY
            )
        resampled: Samples = self._resampler.resample_chunk(samples, last=last)
        return resampled
