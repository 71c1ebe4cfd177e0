"""WebRTC's voice activity detector, one per call (package `webrtcvad`)."""

import importlib
from typing import Any, Final

import numpy as np

from interject_lab.rules.rule_bank import Mask
from media_pod.duplex.contract import Pcm

PACKAGE: Final = "webrtcvad"


class WebRtcVoice:
    """Frames of 20 ms, voiced or not, at 8000 and 16000 Hz."""

    def __init__(self, slots: int, rate: int, aggressiveness: int) -> None:
        """Raises ImportError without webrtcvad; `aggressiveness` is 0..3."""
        self._detector_type: Any = importlib.import_module(PACKAGE).Vad
        self._rate, self._aggressiveness = rate, aggressiveness
        self._detectors: list[Any] = [None] * slots

    def open(self, slot: int) -> None:
        """Start `slot` with initial state."""
        self._detectors[slot] = self._detector_type(self._aggressiveness)

    def close(self, slot: int) -> None:
        """Free the detector of `slot`."""
        self._detectors[slot] = None

    def step(self, pcm: Pcm) -> Mask:
        """[slots] whether the tick, int16 [slots, samples], is voiced; False in closed slots."""
        return np.array(
            [
                detector is not None and detector.is_speech(row.tobytes(), self._rate)
                for detector, row in zip(self._detectors, pcm, strict=True)
            ],
            np.bool_,
        )
