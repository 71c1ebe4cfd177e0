"""WebRTC's canceller."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.canceller.webrtc_import import AudioProcessingModule
from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.ring import Audio


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

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None:
        """No effect: WebRTC's filter adapts within fractions of a second."""

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
