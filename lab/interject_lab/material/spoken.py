"""Which recordings are speech: archives of voices hold laughter, music and effects as well.

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


def are_spoken(phrases: Sequence[Pcm], rate_hz: int) -> NDArray[np.bool_]:
    """[phrases] whether each is speech; int16 [samples] each, at any level."""
    order = np.argsort([phrase.size for phrase in phrases])
    spoken = np.zeros(len(phrases), np.bool_)
    for first in range(0, len(phrases), _BATCH):
        chosen = order[first : first + _BATCH]
        spoken[chosen] = _batch([phrases[index] for index in chosen], rate_hz)
    return spoken


def _batch(phrases: Sequence[Pcm], rate_hz: int) -> NDArray[np.bool_]:
    tick = rate_hz * TICK_MS // 1000
    ticks = np.array([phrase.size // tick for phrase in phrases])
    audio = np.zeros((len(phrases), int(ticks.max()) * tick), np.int16)
    for row, phrase in enumerate(phrases):
        levelled = at_level(phrase, rate_hz, _LEVEL_DBFS)[: audio.shape[1]]
        audio[row, : levelled.size] = levelled
    vad = SileroVad(len(phrases), rate_hz)
    for slot in range(len(phrases)):
        vad.open(slot)
    heard = np.zeros(len(phrases))
    for index in range(int(ticks.max())):
        speech = vad.step(np.ascontiguousarray(audio[:, index * tick : (index + 1) * tick]))
        heard += (speech > _SPEECH) & (index < ticks)
    shares: NDArray[np.float64] = heard / np.maximum(ticks, 1)
    return shares >= _SPOKEN_SHARE
