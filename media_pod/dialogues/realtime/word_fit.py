"""When each word of a longer text is said: from its letters, and from the pauses of the sound.

Over one clause, letters in proportion are right to a word (`providers.tts.spoken_words`). Over
several sentences their errors add up, so the end of a sentence is put on a pause near its estimate.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.providers.ports import Word
from media_pod.providers.tts.level import FRAME_MS
from media_pod.providers.tts.spoken_words import SpokenWord, total_letters, word_times

PAUSE_MS: Final = 120
"""Shorter gaps are in the middle of words: the closure of a plosive."""
REACH_MS: Final = 600
"""How far from its estimate a sentence may end, and a quarter of its own length beside."""
_SENTENCE_ENDS: Final = ".?!…。？！؟।"
_CLOSING: Final = "\"'”’)]»」』）"

Span = tuple[int, int]
"""First sample, and the one after the last."""


def pauses(audible: NDArray[np.bool_], frame_samples: int) -> list[Span]:
    """The silences between two sounds, of `PAUSE_MS` and more.

    Args:
        audible: [frames] whether a frame has sound.
        frame_samples: samples of a frame of `FRAME_MS`.
    """
    sound = np.flatnonzero(audible)
    gaps = np.flatnonzero(np.diff(sound) > PAUSE_MS // FRAME_MS)
    return [
        (int(sound[gap] + 1) * frame_samples, int(sound[gap + 1]) * frame_samples) for gap in gaps
    ]


def fitted_times(
    words: Sequence[SpokenWord], start: int, end: int, silences: Sequence[Span], rate_hz: int
) -> tuple[Word, ...]:
    """The words between two samples, with the ends of sentences on pauses where there are any.

    Args:
        words: of the text.
        start, end: first sample of its sound, and the one after the last, or where it is expected.
        silences: within, in order.
        rate_hz: of the samples.
    """
    sentences = _sentences(words)
    left = list(silences)
    timed: list[Word] = []
    for number, sentence in enumerate(sentences[:-1]):
        rest = sentences[number:]
        total = sum(map(total_letters, rest))
        length = max(0, end - start) * total_letters(sentence) // total
        reach = REACH_MS * rate_hz // 1000 + length // 4
        pause = _nearest(left, start + length, reach)
        stop, following = pause or (start + length, start + length)
        timed += word_times(sentence, start, stop)
        start = following
        left = [silence for silence in left if silence[0] >= start]
    return (*timed, *word_times(sentences[-1], start, max(start, end))) if sentences else ()


def _sentences(words: Sequence[SpokenWord]) -> list[list[SpokenWord]]:
    sentences: list[list[SpokenWord]] = [[]]
    for word in words:
        sentences[-1].append(word)
        if word.text.rstrip(_CLOSING).endswith(tuple(_SENTENCE_ENDS)):
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _nearest(silences: Sequence[Span], place: int, reach: int) -> Span | None:
    """The pause whose beginning is nearest to `place`, a long one before a short one."""

    def distance(silence: Span) -> int:
        return abs(silence[0] - place) - (silence[1] - silence[0])

    near = [silence for silence in silences if abs(silence[0] - place) <= reach]
    return min(near, key=distance, default=None)
