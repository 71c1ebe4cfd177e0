"""The three local rules of hkjarral/AVA-AI-Voice-Agent-for-Asterisk: levels while the bot speaks.

AVA's interruptions are events without an end. The decision is held for AVA's own cooldown after
the event, or while Asterisk takes the caller for talking.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.rule_bank import Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import BotSpeech, Hold, SpeechRun, rms
from interject_lab.rules.webrtc_voice import WebRtcVoice
from media_pod.duplex.contract import TICK_MS, Pcm

_COOLDOWN_MS: Final = 500
_PIPELINE_RMS: Final = 300
_PIPELINE_MS: Final = 120
_PIPELINE_PROTECTION_MS: Final = 200
_FALLBACK_RMS: Final = 1000
_FALLBACK_MS: Final = 250
_FALLBACK_AGGRESSIVENESS: Final = 1
_TALK_LEVEL: Final = 256
_TALK_SILENCE_MS: Final = 1200
_TALK_PROTECTION_MS: Final = 1500


class AvaPipelineBank(RuleBank):
    """AVA's pipeline path (`src/engine.py`, commit f1b8bf7), the settings of its code.

    Frames of RMS 300 and more for 120 ms in a row, of which any quieter one starts again; not in
    the first 200 ms of what the bot says. Without the longer protection of the greeting, which is
    a setting.
    """

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(slots, rate)
        self._bot = BotSpeech(slots)
        self._run = SpeechRun(slots, _PIPELINE_MS // TICK_MS, 1)
        self._cooldown = Hold(slots, _COOLDOWN_MS)

    def _start(self, slot: int, phase: int) -> None:
        for part in (self._bot, self._run, self._cooldown):
            part.reset(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        speaking = self._bot.step(played)
        ignored = speaking & (self._bot.age_ms < _PIPELINE_PROTECTION_MS)
        loud = rms(caller) >= _PIPELINE_RMS
        decided = self._cooldown.step(self._run.step(loud & ~ignored))
        return Heard(caller, loud.astype(np.float32), loud, ignored, decided)


class AvaFallbackBank(RuleBank):
    """AVA's fallback for providers that report no interruption (`src/engine.py`, commit f1b8bf7).

    Frames of RMS 1000 and more, which is one vote of four, with a second vote, for 250 ms in a row.
    The other votes are emulated by WebRTC's detector (aggressiveness 1) on this frame, and on this
    or the last one; the vote of AVA's own confidence is left out.
    """

    def __init__(self, slots: int, rate: int) -> None:
        """Raises ImportError without webrtcvad."""
        super().__init__(slots, rate)
        self._voice = WebRtcVoice(slots, rate, _FALLBACK_AGGRESSIVENESS)
        self._voiced = Hold(slots, 2 * TICK_MS)
        self._run = SpeechRun(slots, -(-_FALLBACK_MS // TICK_MS), 1)
        self._cooldown = Hold(slots, _COOLDOWN_MS)

    def _start(self, slot: int, phase: int) -> None:
        self._voice.open(slot)
        for part in (self._voiced, self._run, self._cooldown):
            part.reset(slot)

    def _stop(self, slot: int) -> None:
        self._voice.close(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        voiced = self._voiced.step(self._voice.step(caller))
        above = voiced & (rms(caller) >= _FALLBACK_RMS)
        decided = self._cooldown.step(self._run.step(above))
        return Heard(caller, above.astype(np.float32), above, np.zeros_like(above), decided)


class AvaTalkDetectBank(RuleBank):
    """AVA's default: Asterisk's `TALK_DETECT(set)=1200,256` (`src/engine.py`, commit f1b8bf7).

    Emulates Asterisk's detector as a mean magnitude of 256 and more in one frame, until 1200 ms
    without; its own framing is left out. The *start* of talking interrupts, unless it comes in the
    first 1500 ms of what the bot says: then the event is lost.
    """

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(slots, rate)
        self._bot = BotSpeech(slots)
        self._talks = Hold(slots, _TALK_SILENCE_MS)
        self._talking = np.zeros(slots, np.bool_)
        self._interrupted = np.zeros(slots, np.bool_)

    def _start(self, slot: int, phase: int) -> None:
        self._bot.reset(slot)
        self._talks.reset(slot)
        self._talking[slot] = self._interrupted[slot] = False

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        speaking = self._bot.step(played)
        ignored = speaking & (self._bot.age_ms < _TALK_PROTECTION_MS)
        loud = np.mean(np.abs(caller.astype(np.int32)), axis=1) >= _TALK_LEVEL
        talking = self._talks.step(loud)
        started = talking & ~self._talking
        self._talking = talking
        self._interrupted = (self._interrupted | (started & ~ignored)) & talking
        return Heard(caller, loud.astype(np.float32), loud, ignored, self._interrupted.copy())
