"""WebRTC's AEC3, the canceller of browsers, then Silero for 0.2 s."""

import importlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.cancellation import CancellerBank
from interject_lab.rules.delay_alignment import DelayAlignment
from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.ring import Audio

PACKAGE: Final = "pywebrtc_audio"
_ONSET_TICKS: Final = 200 // TICK_MS
_LEAD_MS: Final = 30
"""AEC3 finds the rest of the delay by itself: 29 dB of ERLE at each delay of 20-1000 ms so."""
_DELAYS: Final = {8000: 88, 16000: 128}
"""Samples by which AEC3's output is late, per rate; the peak of the correlation with its input,
measured with white noise and pywebrtc-audio 0.2.0."""


class Aec3Canceller:
    """AEC3 with its high-pass filter and suppressor as pywebrtc-audio 0.2.0 has them, per call.

    It searches delays up to 512 ms by itself: five matched filters, see `echo_canceller3_config.h`
    of WebRTC.
    """

    def __init__(self, slots: int, rate: int) -> None:
        """Raises ImportError without pywebrtc-audio."""
        self._processor_type: Any = importlib.import_module(PACKAGE).AudioProcessor
        self._rate = rate
        self._processors: list[Any] = [None] * slots
        self._silence = np.zeros((slots, rate * TICK_MS // 1000), np.int16)

    @property
    def delay_samples(self) -> int:
        """By how much its output is later than its input."""
        return _DELAYS[self._rate]

    def open(self, slot: int) -> None:
        """Start `slot` with a fresh, unconverged filter."""
        self._processors[slot] = self._processor_type(
            sample_rate=self._rate, echo_cancellation=True
        )

    def close(self, slot: int) -> None:
        """Free the filter of `slot`."""
        self._processors[slot] = None

    def realign(self, slots: NDArray[np.intp], past: Audio, relearn: NDArray[np.bool_]) -> None:
        """No effect: AEC3 takes the reference as it comes."""

    def step(self, caller: Pcm, reference: Pcm) -> Pcm:
        """One tick of every slot: int16 [slots, samples] in and out."""
        cleaned = self._silence.copy()
        for slot, processor in enumerate(self._processors):
            if processor is not None:
                cleaned[slot] = processor.process(caller[slot], reference[slot])
        return cleaned


class Aec3Bank(CancellerBank):
    """AEC3 as it is, then Silero above 0.5 for 0.2 s: what a browser or LiveKit's APM would give.

    AEC3 of pywebrtc-audio 0.2.0. Nothing is emulated; no peer runs it on a telephone line.
    """

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(
            slots, rate, canceller=Aec3Canceller(slots, rate), onset_ticks=_ONSET_TICKS
        )


class AlignedAec3Bank(CancellerBank):
    """The same with the reference delayed by the product's tracker, which leads by 30 ms."""

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(
            slots,
            rate,
            canceller=Aec3Canceller(slots, rate),
            alignment=DelayAlignment(slots, rate, _LEAD_MS),
            onset_ticks=_ONSET_TICKS,
        )
