"""Where in recordings somebody speaks: archives of voices hold laughter, music and hiss as well.

Silero judges the clean recordings, without a line. What it does not take for speech there is no
caller who must be heard, and a judge that learns from it learns wrong labels.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.material.voices import at_level
from interject_lab.network.levels import Pcm
from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.vad.silero import SileroVad

_BATCH: Final = 64
_LEVEL_DBFS: Final = -20.0
_SPEECH: Final = 0.5
_SPOKEN_SHARE: Final = 0.4
"""Of a phrase's ticks: pauses between words are no speech."""
_LATE_MS: Final = 120
"""Silero hears a studio voice 50 ms after its onset in the median, and nine of ten within 120 ms:
4,272 phrases of the training voices, against the first 10 ms within 18 dB of their level."""
_EARLY_MS: Final = 100
"""It may end before the last consonant does."""


def spoken(phrases: Sequence[Pcm], rate_hz: int) -> list[Pcm]:
    """The speech in each phrase, without what lies before and after it; empty for no speech.

    Args:
        phrases: int16 [samples] each, at any level.
        rate_hz: of the phrases.
    """
    order = np.argsort([phrase.size for phrase in phrases])
    found = [np.zeros(0, np.int16)] * len(phrases)
    for first in range(0, len(phrases), _BATCH):
        chosen = order[first : first + _BATCH]
        batch = [phrases[index] for index in chosen]
        for index, speech in zip(chosen, _speech(batch, rate_hz), strict=True):
            found[index] = _trimmed(phrases[index], speech, rate_hz * TICK_MS // 1000)
    return found


def _trimmed(phrase: Pcm, speech: NDArray[np.bool_], tick: int) -> Pcm:
    """`phrase` if enough of its ticks are `speech`, from the first to the last of them."""
    heard = np.flatnonzero(speech[: phrase.size // tick])
    if heard.size < max(_SPOKEN_SHARE * (phrase.size // tick), 1):
        return phrase[:0]
    first = int(heard[0]) + 1 - _LATE_MS // TICK_MS
    last = int(heard[-1]) + 1 + _EARLY_MS // TICK_MS
    return phrase[max(first, 0) * tick : last * tick]


def _speech(phrases: Sequence[Pcm], rate_hz: int) -> NDArray[np.bool_]:
    """[phrases, ticks]"""
    tick = rate_hz * TICK_MS // 1000
    ticks = max(phrase.size // tick for phrase in phrases)
    audio = np.zeros((len(phrases), ticks * tick), np.int16)
    for row, phrase in enumerate(phrases):
        levelled = at_level(phrase, rate_hz, _LEVEL_DBFS)[: audio.shape[1]]
        audio[row, : levelled.size] = levelled
    vad = SileroVad(len(phrases), rate_hz)
    for slot in range(len(phrases)):
        vad.open(slot)
    speech = np.zeros((len(phrases), ticks), np.bool_)
    for index in range(ticks):
        block = np.ascontiguousarray(audio[:, index * tick : (index + 1) * tick])
        speech[:, index] = vad.step(block) > _SPEECH
    return speech
