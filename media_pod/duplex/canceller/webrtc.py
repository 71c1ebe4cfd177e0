"""Echo cancellers behind one protocol.

A canceller gets the caller's audio and the reference *already aligned*: the reference leads its
echo by a few milliseconds (`LEAD_MS`), whatever the line's delay is. That is what makes any of
them work on a telephone: on the 250-700 ms of a real line, none finds the delay by itself.
"""

from typing import Any, Final, Protocol

import numpy as np

from media_pod.duplex.canceller.webrtc_import import AudioProcessingModule
from media_pod.duplex.contract import TICK_MS, Pcm

LEAD_MS: Final = 5
"""How far the reference leads its echo. 2-5 ms gave 27-30 dB of echo loss on a 24 ms dispersive
path at ERL 15 dB, 10-40 ms 19-26 dB; below zero the filter would have to look ahead."""


class Canceller(Protocol):
    """Takes the echo of an aligned reference out of the callers' audio."""

    def open(self, slot: int) -> None:
        """Start `slot` afresh."""

    def close(self, slot: int) -> None:
        """Leave `slot` out of the work; its rows come back as zeros."""

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        """One tick of every slot: int16 [slots, samples] in and out, no added delay."""


class WebRtcCanceller:
    """WebRTC's line canceller (AEC, before AEC3) with its residual suppressor, one per call.

    It works in blocks of 10 ms. Its own delay estimate is told that nothing is left to find.
    """

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
        """One tick of every slot: int16 [slots, samples] in and out, no added delay."""
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
