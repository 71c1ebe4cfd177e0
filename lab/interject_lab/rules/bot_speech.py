"""Whether the bot speaks, and since when: what other agents know from their text to speech."""

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.levels import BOT_PAUSE_MS
from interject_lab.rules.frame_level import is_sound
from interject_lab.rules.hold import Hold
from media_pod.duplex.contract import TICK_MS, Pcm


class BotSpeech:
    """The bot's utterances, found in what is played; pauses up to `BOT_PAUSE_MS` belong to them."""

    def __init__(self, slots: int) -> None:
        self._sounding = Hold(slots, BOT_PAUSE_MS)
        self.speaking = np.zeros(slots, np.bool_)
        """[slots] whether the bot is in an utterance."""
        self.age_ms = np.zeros(slots, np.int64)
        """[slots] time since the utterance began; 0 in its first tick and while silent."""

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._sounding.reset(slot)
        self.speaking[slot] = False
        self.age_ms[slot] = 0

    def step(self, played: Pcm) -> NDArray[np.bool_]:
        """Take one tick of played audio, int16 [slots, samples]; returns `speaking`."""
        speaking = self._sounding.step(is_sound(played))
        self.age_ms = np.where(speaking & self.speaking, self.age_ms + TICK_MS, 0)
        self.speaking = speaking
        return speaking
