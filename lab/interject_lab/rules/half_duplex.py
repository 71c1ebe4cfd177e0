"""Half-duplex: the bot does not listen while it speaks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.rule_bank import RELEASE_TICKS, Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import SpeechRun
from interject_lab.rules.voice_detector import ONSET_TICKS, SPEECH_THRESHOLD, Vad
from media_pod.duplex.contract import Pcm
from media_pod.duplex.vad.silero import SileroVad

DEAF_MS: Final = 400
"""How long half-duplex ignores the line after the bot: longer than most echo delays."""


class HalfDuplexBank(RuleBank):
    """Ignores the caller while the bot speaks, and `DEAF_MS` after; else Silero in four windows."""

    def __init__(self, slots: int, rate: int, *, vad: Vad | None = None) -> None:
        super().__init__(slots, rate, echo_ms=DEAF_MS)
        self._vad = vad or SileroVad(slots, rate)
        self._run = SpeechRun(slots, ONSET_TICKS, RELEASE_TICKS)

    def _start(self, slot: int, phase: int) -> None:
        self._vad.open(slot, phase)
        self._run.reset(slot)

    def _stop(self, slot: int) -> None:
        self._vad.close(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        speech = self._vad.step(caller)
        above = speech > SPEECH_THRESHOLD
        return Heard(caller, speech, above, echoing, self._run.step(above & ~echoing))
