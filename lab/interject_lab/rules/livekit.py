"""The rule of LiveKit's agents in VAD mode: half a second of speech."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.rule_bank import Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import BotSpeech
from interject_lab.rules.voice_detector import WINDOW_MS, Vad, WindowedVad
from media_pod.duplex.contract import TICK_MS, Pcm

_ACTIVATION: Final = 0.5
_OLD_SHARE: Final = np.float32(0.35)
"""Weight of the earlier windows in the smoothed probability."""
_MIN_SPEECH_MS: Final = 50
_MIN_SILENCE_MS: Final = 550
_INTERRUPTION_MS: Final = 500
_WARM_UP_MS: Final = 3000


class LiveKitBank(RuleBank):
    """livekit-agents 1.8.9 (`voice/turn.py`, `voice/agent_session.py`, the plugin's `vad.py`).

    Silero, smoothed, above 0.5 for 50 ms begins speech, and 550 ms below end it; speech of 0.5 s
    interrupts, its pauses counted. While the agent speaks in the 3 s that begin with its first
    speech (`aec_warmup_duration`), nothing interrupts. Re-expressed with the product's Silero, and
    without the model of the Cloud (adaptive mode), transcripts, and the resumption of speech after
    a false interruption.
    """

    def __init__(self, slots: int, rate: int, *, vad: Vad | None = None) -> None:
        super().__init__(slots, rate)
        self._vad = WindowedVad(slots, rate, vad)
        self._bot = BotSpeech(slots)
        self._smoothed = np.zeros(slots, np.float32)
        self._first = np.ones(slots, np.bool_)
        """[slots] whether the next window is the call's first: it is not smoothed."""
        self._above_ms = np.zeros(slots, np.int64)
        self._below_ms = np.zeros(slots, np.int64)
        self._speech_ms = np.zeros(slots, np.int64)
        """[slots] length of the speech, 0 while there is none."""
        self._since_first_speech_ms = np.full(slots, -1, np.int64)

    def _start(self, slot: int, phase: int) -> None:
        self._vad.open(slot, phase)
        self._bot.reset(slot)
        self._smoothed[slot] = 0
        self._first[slot] = True
        for count in (self._above_ms, self._below_ms, self._speech_ms):
            count[slot] = 0
        self._since_first_speech_ms[slot] = -1

    def _stop(self, slot: int) -> None:
        self._vad.close(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        speech, new = self._vad.step(caller)
        old_share = np.where(self._first, np.float32(0), _OLD_SHARE)
        smoothed = old_share * self._smoothed + (1 - old_share) * speech
        self._smoothed = np.where(new, smoothed, self._smoothed)
        self._first &= ~new
        above = self._smoothed >= _ACTIVATION
        self._measure(above, new)
        ignored = self._warming_up(played)
        caller_speaks = (self._speech_ms >= _INTERRUPTION_MS) & ~ignored
        return Heard(caller, self._smoothed, above, ignored, caller_speaks)

    def _measure(self, above: Mask, new: Mask) -> None:
        """Count one window of the slots whose window is `new`."""
        longer_above = np.where(above, self._above_ms + WINDOW_MS, 0)
        longer_below = np.where(above, 0, self._below_ms + WINDOW_MS)
        self._above_ms = np.where(new, longer_above, self._above_ms)
        self._below_ms = np.where(new, longer_below, self._below_ms)
        speaking = self._speech_ms > 0
        begun = ~speaking & (self._above_ms >= _MIN_SPEECH_MS)
        longer = np.where(speaking & new, self._speech_ms + WINDOW_MS, self._speech_ms)
        self._speech_ms = np.where(begun, self._above_ms, longer)
        self._speech_ms[self._below_ms >= _MIN_SILENCE_MS] = 0

    def _warming_up(self, played: Pcm) -> Mask:
        """[slots] whether the agent speaks within 3 s from where it first spoke."""
        speaking = self._bot.step(played)
        begun = self._since_first_speech_ms >= 0
        since = np.where(begun, self._since_first_speech_ms + TICK_MS, np.where(speaking, 0, -1))
        self._since_first_speech_ms = since
        return speaking & (since < _WARM_UP_MS)
