"""Word timing of synthesized speech."""

from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.tts.word_spans import spans


def test_a_word_lasts_until_the_next_event() -> None:
    assert spans("yes it is", [(0, 10), (4, 50), (7, 80)], 100) == [
        ("yes", 10, 50),
        ("it", 50, 80),
        ("is", 80, 100),
    ]


def test_words_that_were_read_as_one_share_it_by_letters() -> None:
    assert spans("on their way", [(0, 0), (9, 140)], 170) == [
        ("on", 0, 40),
        ("their", 40, 140),
        ("way", 140, 170),
    ]


def test_a_number_read_as_several_words_is_one() -> None:
    assert spans("4712 now", [(0, 0), (1, 20), (1, 40), (5, 60)], 90) == [
        ("4712", 0, 60),
        ("now", 60, 90),
    ]


def test_a_dash_belongs_to_the_word_before_and_its_event_to_the_word_after() -> None:
    assert spans("- stop - now", [(0, 0), (7, 60)], 90) == [("- stop -", 0, 60), ("now", 60, 90)]


@given(
    words=st.lists(st.sampled_from(["a", "parcel", "-", "4712,", "…", "it's"]), max_size=12),
    events=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 120)), max_size=12),
)
def test_words_are_in_order_and_inside(words: list[str], events: list[tuple[int, int]]) -> None:
    text = " ".join(words)
    ordered = sorted(events)
    found = spans(text, ordered, 100)
    edges = [edge for _, start, end in found for edge in (start, end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= 100 for edge in edges)
    if any(word[0].isalnum() for word in words):
        assert " ".join(word for word, _, _ in found) == text


def test_of_a_script_without_blanks_each_character_is_a_word() -> None:
    assert spans("今天，好 OK", [(0, 0), (1, 40), (3, 60), (5, 90)], 120) == [
        ("今", 0, 40),
        ("天，", 40, 60),
        ("好", 60, 90),
        ("OK", 90, 120),
    ]


def test_characters_without_an_event_share_their_time_by_syllables() -> None:
    """espeak reports one event for a whole Japanese or Thai clause."""
    assert spans("荷物は", [(0, 0), (0, 30), (0, 80)], 100) == [
        ("荷", 0, 42),
        ("物", 42, 85),
        ("は", 85, 100),
    ]
