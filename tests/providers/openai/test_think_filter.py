"""Reasoning that a server leaves in the text."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.openai.think_filter import ThinkFilter

FRAGMENTS = st.sampled_from(["<think>", "</think>", "<", "</", "<thin", "think>", " ", "a", "<b>"])


def filtered(*pieces: str) -> str:
    filter_ = ThinkFilter()
    return "".join(map(filter_.feed, pieces)) + filter_.finish()


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("<think>hm</think>Yes.", "Yes."),
        ("One <think>two</think>three <think>four</think>five", "One three five"),
        ("2 < 3 and <b>bold</b>", "2 < 3 and <b>bold</b>"),
        ("<think>never ends", ""),
        ("no beginning</think>Yes.", "no beginningYes."),
        ("ends in <thi", "ends in <thi"),
    ],
)
def test_only_what_is_outside_of_the_tags_is_spoken(text: str, spoken: str) -> None:
    assert filtered(text) == spoken


@given(st.lists(FRAGMENTS, max_size=12).map("".join), st.lists(st.integers(0, 60), max_size=8))
def test_any_split_of_a_text_gives_the_same(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    assert filtered(*pieces) == filtered(text)


@given(st.lists(FRAGMENTS, max_size=12))
def test_what_cannot_be_a_tag_is_spoken_at_once(fragments: list[str]) -> None:
    filter_ = ThinkFilter()
    for fragment in fragments:
        filter_.feed(fragment)
    assert len(filter_.finish()) < len("</think>")
