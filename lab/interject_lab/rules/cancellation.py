"""An echo canceller, then Silero: speech in what the canceller leaves is the caller."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.delay_alignment import DelayAlignment
from interject_lab.rules.rule_bank import RELEASE_TICKS, Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import SpeechRun, power
from interject_lab.rules.voice_detector import ONSET_TICKS, SPEECH_THRESHOLD, Vad
from media_pod.duplex.canceller.protocol import LEAD_MS, Canceller
from media_pod.duplex.canceller.webrtc import WebRtcCanceller
from media_pod.duplex.contract import Pcm
from media_pod.duplex.vad.silero import SileroVad

_ERLE_MEMORY: Final = 0.98
"""Per tick: a time constant of 1 s."""


class CancellerBank(RuleBank):
    """A canceller, with or without an aligned reference, and a run of Silero results."""

    def __init__(
        self,
        slots: int,
        rate: int,
        *,
        canceller: Canceller,
        alignment: DelayAlignment | None = None,
        onset_ticks: int = ONSET_TICKS,
        vad: Vad | None = None,
    ) -> None:
        super().__init__(slots, rate)
        self._canceller, self._alignment = canceller, alignment
        self._vad = vad or SileroVad(slots, rate)
        self._run = SpeechRun(slots, onset_ticks, RELEASE_TICKS)
        self._powers = np.zeros((2, slots))

    def _start(self, slot: int, phase: int) -> None:
        self._canceller.open(slot)
        if self._alignment is not None:
            self._alignment.open(slot, phase)
        self._vad.open(slot, phase)
        self._run.reset(slot)
        self._powers[:, slot] = 0

    def _stop(self, slot: int) -> None:
        self._canceller.close(slot)
        if self._alignment is not None:
            self._alignment.close(slot)
        self._vad.close(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        alignment = self._alignment
        reference = alignment.step(caller, played, slipped) if alignment else played
        cleaned = self._canceller.step(caller, reference)
        speech = self._vad.step(cleaned)
        above = speech > SPEECH_THRESHOLD
        return Heard(
            cleaned,
            speech,
            above,
            ignored=np.zeros_like(above),
            caller=self._run.step(above),
            erle_db=self._erle_db(caller, cleaned, echoing),
            delay_ms=alignment.delay_ms if alignment else None,
            delay_confidence=alignment.confidence if alignment else None,
        )

    def _erle_db(self, caller: Pcm, cleaned: Pcm, echoing: Mask) -> NDArray[np.float64]:
        """[slots] power before over power after the canceller, while there may be an echo."""
        now = np.stack([power(caller), power(cleaned)])
        smoothed = _ERLE_MEMORY * self._powers + (1 - _ERLE_MEMORY) * now
        self._powers = np.where(echoing, smoothed, self._powers)
        before, after = self._powers
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(before > 0, 10 * np.log10(before / np.maximum(after, 1e-10)), np.nan)


class NaiveBank(CancellerBank):
    """WebRTC's canceller without delay alignment, then Silero in four windows."""

    def __init__(
        self, slots: int, rate: int, *, vad: Vad | None = None, canceller: Canceller | None = None
    ) -> None:
        super().__init__(slots, rate, vad=vad, canceller=canceller or WebRtcCanceller(slots, rate))


class AlignedBank(CancellerBank):
    """The product's tracker and canceller, then Silero in four windows.

    What the product would be without its test of whether the echo explains the speech.
    """

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(
            slots,
            rate,
            canceller=WebRtcCanceller(slots, rate),
            alignment=DelayAlignment(slots, rate, LEAD_MS),
        )
