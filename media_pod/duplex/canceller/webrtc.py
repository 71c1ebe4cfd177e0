"""The `Canceller` protocol, and WebRTC's canceller.

A canceller receives the caller's audio and an *aligned* reference, which leads its echo by a few
milliseconds (`LEAD_MS`) at any delay of the line. Cancellers need this on telephone lines: none of
them finds delays of 250-700 ms by itself.
"""

from typing import Any, Final, Protocol

import numpy as np

from media_pod.duplex.canceller.webrtc_import import AudioProcessingModule
from media_pod.duplex.contract import TICK_MS, Pcm

LEAD_MS: Final = 5
"""Lead of the reference over its echo. Measured ERLE on a 24 ms dispersive path at ERL 15 dB:
27-30 dB with a lead of 2-5 ms, 19-26 dB with 10-40 ms. A negative lead is not causal."""


class Canceller(Protocol):
    """Removes the echo of an aligned reference from the callers' audio."""

    @property
    def delay_samples(self) -> int:
        """By how much its output is later than its input, 0 to one tick."""

    def open(self, slot: int) -> None:
        """Start `slot` with initial state."""

    def close(self, slot: int) -> None:
        """Stop processing `slot`; its rows of the output are zero."""

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        """One tick of every slot: int16 [slots, samples] in and out."""


class WebRtcCanceller:
    """WebRTC's line canceller (AEC, before AEC3) with its residual suppressor, one per call.

    It works in blocks of 10 ms. Its own delay estimation is set to 0, as the input is aligned.
    """

    delay_samples: Final = 112
    """14 ms at 8 kHz, 7 ms at 16 kHz: blocks of 64 samples, filled from 10 ms. Measured by
    `tests/duplex/test_canceller.py`."""
    _AEC: Final = 2
    _SUPPRESSION: Final = 1

    def __init__(self, slots: int, rate: int) -> None:
        self._rate = rate
        self._block = rate // 100
        self._processors: list[Any] = [None] * slots
        self._silence = np.zeros((slots, rate * TICK_MS // 1000), np.int16)

    def open(self, slot: int) -> None:
        """Start `slot` with a fresh, unconverged filter."""
        processor = AudioProcessingModule(
            aec_type=self._AEC, enable_ns=False, agc_type=0, enable_vad=False
        )
        processor.set_stream_format(self._rate, 1, self._rate, 1)
        processor.set_reverse_stream_format(self._rate, 1)
        processor.set_aec_level(self._SUPPRESSION)
        processor.set_system_delay(0)
        self._processors[slot] = processor

    def close(self, slot: int) -> None:
        """Free the filter of `slot`."""
        self._processors[slot] = None

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        """One tick of every slot: int16 [slots, samples] in and out."""
        cleaned = self._silence.copy()
        for slot, processor in enumerate(self._processors):
            if processor is None:
                continue
            blocks = []
            for start in range(0, caller.shape[1], self._block):
                block = slice(start, start + self._block)
                processor.process_reverse_stream(reference[slot, block].tobytes())
                blocks.append(processor.process_stream(caller[slot, block].tobytes()))
            cleaned[slot] = np.frombuffer(b"".join(blocks), np.int16)
        return cleaned
