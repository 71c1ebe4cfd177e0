"""Words of several sentences: the end of a sentence lies on a pause of the sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.realtime.word_fit import fitted_times, pauses
from media_pod.providers.tts.spoken_words import spoken_words

FRAME = 40


def test_a_sentence_ends_where_the_pause_begins_and_the_next_begins_after_it() -> None:
    words = spoken_words("Yes, we do. Goodbye.")
    timed = fitted_times(words, 0, 16_000, [(9000, 13_000)], 8000)
    assert timed[2].end_sample == pytest.approx(9000, abs=1)
    assert timed[3].start_sample == 13_000
    assert timed[3].end_sample == 16_000


def test_a_pause_far_from_the_end_of_a_sentence_is_not_one() -> None:
    words = spoken_words("Yes, we do. Goodbye.")
    timed = fitted_times(words, 0, 80_000, [(4000, 8000)], 8000)
    assert timed == fitted_times(words, 0, 80_000, [], 8000)


def test_a_gap_inside_a_word_is_no_pause() -> None:
    sound = np.ones(200, bool)
    sound[50:70] = False  # 100 ms
    sound[100:130] = False  # 150 ms
    sound[190:] = False  # the end
    assert pauses(sound, FRAME) == [(100 * FRAME, 130 * FRAME)]


spans = st.tuples(st.integers(0, 30_000), st.integers(1, 4000))


@given(st.text("ab ,.?!", max_size=60), st.lists(spans, max_size=6), st.integers(0, 40_000))
def test_words_are_in_order_and_none_is_lost(
    text: str, silences: list[tuple[int, int]], end: int
) -> None:
    words = spoken_words(text)
    ordered = sorted((start, start + length) for start, length in silences)
    timed = fitted_times(words, 0, end, ordered, 8000)
    assert [word.text for word in timed] == [word.text for word in words]
    edges = [edge for word in timed for edge in (word.start_sample, word.end_sample)]
    assert edges == sorted(edges)
