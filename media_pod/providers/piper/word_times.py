"""When each word is said, from the duration of each phoneme.

espeak joins some words ("of the" is one group of phonemes) and makes several of others ("4712"), so
words and groups cannot be counted off. Each word is pronounced alone too, and the two sequences of
phonemes are aligned.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from media_pod.providers.ports import Word
from media_pod.providers.tts.spoken_words import SpokenWord, word_times

_STRESS = "ˈˌ"
_LENGTH = "ː"
_NO_SOUNDS = frozenset(_STRESS + _LENGTH + " .,;:!?-")
"""Stress and length change with the context; blanks and marks are pauses."""


@dataclass(frozen=True, slots=True)
class PhonemeSpan:
    """The audio of one character of a pronunciation; `end_sample` is exclusive."""

    phoneme: str
    start_sample: int
    end_sample: int


def timed_words(
    words: Sequence[SpokenWord],
    phonemes: Sequence[PhonemeSpan],
    pronounce: Callable[[str], str],
) -> tuple[Word, ...]:
    """The time of each word.

    A word that cannot be told from the one before it shares its time in proportion to its letters.

    Args:
        words: of the text, in order.
        phonemes: of the text as a whole, in order.
        pronounce: the phonemes of a text.
    """
    sounds = [index for index, span in enumerate(phonemes) if span.phoneme not in _NO_SOUNDS]
    if not words or not sounds:
        return ()
    first_sounds = _first_sounds(words, [phonemes[index].phoneme for index in sounds], pronounce)
    heads = sorted(first_sounds.items())
    timed: list[Word] = []
    for (word, first), (next_word, next_first) in pairwise([*heads, (len(words), len(sounds))]):
        begin, last = sounds[first], sounds[next_first - 1]
        while begin and phonemes[begin - 1].phoneme in _STRESS:
            begin -= 1
        while phonemes[last + 1 : last + 2] and phonemes[last + 1].phoneme in _LENGTH:
            last += 1
        start, end = phonemes[begin].start_sample, phonemes[last].end_sample
        # The pause after the last word is outside: its phonemes are marks.
        final = replace(words[next_word - 1], pause_letters=0)
        timed += word_times([*words[word : next_word - 1], final], start, end)
    return tuple(timed)


def _first_sounds(
    words: Sequence[SpokenWord], sounds: Sequence[str], pronounce: Callable[[str], str]
) -> dict[int, int]:
    """Indices of words to indices of their first sounds; both rise, from 0 and 0.

    Words that share their sounds with the one before are missing.
    """
    alone: list[str] = []
    places: list[tuple[int, int]] = []
    for index, spoken in enumerate(words):
        own = [phoneme for phoneme in pronounce(spoken.text) if phoneme not in _NO_SOUNDS]
        alone += own
        places += [(index, offset) for offset in range(len(own))]
    matcher = difflib.SequenceMatcher(None, alone, sounds, autojunk=False)
    first_sounds = {0: 0}
    previous = (0, -1)  # the last pair of a word and its sound
    for begin_alone, begin, size in matcher.get_matching_blocks():
        for step in range(size):
            (word, offset), sound = places[begin_alone + step], begin + step
            if word != previous[0]:
                # A sound that differs in the context, such as the vowel of "a", is in the gap.
                free = previous[1] + 1
                if word - previous[0] > 1 and sound - offset > free:
                    first_sounds.setdefault(previous[0] + 1, free)
                    free += 1
                first_sounds[word] = max(free, sound - offset)
            previous = (word, sound)
    return first_sounds
