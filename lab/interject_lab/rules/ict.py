"""The rule of ictinnovations/asterisk-ai-voice-agent: 240 ms of voiced frames."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.rule_bank import Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import SpeechRun
from interject_lab.rules.webrtc_voice import WebRtcVoice
from media_pod.duplex.contract import TICK_MS, Pcm

_AGGRESSIVENESS: Final = 2
_VOICED_FRAMES: Final = 12
_END_MS: Final = 550


class IctBank(RuleBank):
    """ICT's agent 0.1.6 (`stt.py`, `StreamingSTT.voice_active`), at commit 4322070.

    Interrupts after 12 frames of 20 ms in a row that WebRTC's detector calls voiced. The detector
    is the real one; the rule around it is re-expressed. The caller's turn ends as its turns do,
    after 550 ms without a voiced frame.
    """

    def __init__(self, slots: int, rate: int) -> None:
        """Raises ImportError without webrtcvad."""
        super().__init__(slots, rate)
        self._voice = WebRtcVoice(slots, rate, _AGGRESSIVENESS)
        self._run = SpeechRun(slots, _VOICED_FRAMES, -(-_END_MS // TICK_MS))

    def _start(self, slot: int, phase: int) -> None:
        self._voice.open(slot)
        self._run.reset(slot)

    def _stop(self, slot: int) -> None:
        self._voice.close(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        voiced = self._voice.step(caller)
        return Heard(
            caller, voiced.astype(np.float32), voiced, np.zeros_like(voiced), self._run.step(voiced)
        )
