"""What the rules are made of: levels, holds, runs of results, the utterances of the bot."""

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.levels import BOT_PAUSE_MS, FULL_SCALE, SILENCE_DBFS
from media_pod.duplex.contract import TICK_MS, Pcm


def power(pcm: Pcm) -> NDArray[np.float64]:
    """[slots] mean square of int16 [slots, samples], relative to full scale."""
    mean: NDArray[np.float64] = np.mean((pcm / FULL_SCALE) ** 2, axis=1)
    return mean


def rms(pcm: Pcm) -> NDArray[np.float64]:
    """[slots] root mean square of int16 [slots, samples], 0..32768."""
    return np.sqrt(power(pcm)) * FULL_SCALE


def is_sound(pcm: Pcm) -> NDArray[np.bool_]:
    """[slots] whether int16 [slots, samples] is above `SILENCE_DBFS`."""
    return np.asarray(power(pcm) > 10 ** (SILENCE_DBFS / 10))


class Hold:
    """Holds a condition for `hold_ms` after its last tick, that tick included."""

    def __init__(self, slots: int, hold_ms: int) -> None:
        self._hold_ticks = hold_ms // TICK_MS
        self._left_ticks = np.zeros(slots, np.int64)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._left_ticks[slot] = 0

    def step(self, now: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """[slots] whether the condition `now`, [slots], is true or was within the hold."""
        left = np.maximum(self._left_ticks - 1, 0)
        self._left_ticks = np.where(now, self._hold_ticks, left)
        return self._left_ticks > 0


class SpeechRun:
    """`onset` results with speech in a row are the caller, until `release` without in a row."""

    def __init__(self, slots: int, onset: int, release: int) -> None:
        self._onset, self._release = onset, release
        self._above = np.zeros(slots, np.int64)
        self._below = np.zeros(slots, np.int64)
        self._caller = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._above[slot] = self._below[slot] = 0
        self._caller[slot] = False

    def step(
        self, above: NDArray[np.bool_], new: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """[slots] whether the caller speaks.

        Args:
            above: [slots] whether the result is above the threshold.
            new: [slots] whose result is new; None for all. The others count nothing.
        """
        counts = np.ones_like(above) if new is None else new
        self._above = np.where(counts, np.where(above, self._above + 1, 0), self._above)
        self._below = np.where(counts, np.where(above, 0, self._below + 1), self._below)
        self._caller |= self._above >= self._onset
        self._caller &= self._below < self._release
        return self._caller.copy()


class BotSpeech:
    """The bot's utterances, found in what is played; other agents know them from their TTS.

    Pauses up to `BOT_PAUSE_MS` belong to them.
    """

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
