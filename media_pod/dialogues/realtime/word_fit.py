"""When each word of a longer text is said: from its letters, and from the pauses of the sound.

Over one clause, letters in proportion are right to a word (`providers.tts.spoken_words`). Over
several sentences their errors add up, so the end of a sentence is put on a pause near its estimate.
"""

from bisect import bisect_left, bisect_right
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
    letters = [total_letters(sentence) for sentence in sentences]
    left = sum(letters)
    timed: list[Word] = []
    for number, sentence in enumerate(sentences):
        following = stop = max(start, end)
        if number < len(sentences) - 1:
            length = max(0, end - start) * letters[number] // left
            pause = _pause_near(silences, start, start + length, rate_hz)
            stop, following = pause or (start + length, start + length)
        timed += word_times(sentence, start, stop)
        start = following
        left -= letters[number]
    return tuple(timed)


def _sentences(words: Sequence[SpokenWord]) -> list[list[SpokenWord]]:
    sentences: list[list[SpokenWord]] = [[]]
    for word in words:
        sentences[-1].append(word)
        if word.text.rstrip(_CLOSING).endswith(tuple(_SENTENCE_ENDS)):
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def _pause_near(silences: Sequence[Span], start: int, place: int, rate_hz: int) -> Span | None:
    """The pause that begins nearest to `place`, at `start` or later; a long one goes first."""
    reach = REACH_MS * rate_hz // 1000 + (place - start) // 4
    first = bisect_left(silences, max(start, place - reach), key=_beginning)
    last = bisect_right(silences, place + reach, key=_beginning)
    near = silences[first:last]
    return min(near, key=lambda span: abs(span[0] - place) - (span[1] - span[0]), default=None)


def _beginning(silence: Span) -> int:
    return silence[0]
