"""Grammar of the built-in recognizer."""

import pytest

from media_pod.dialogues.parcel_desk.intents import STREETS
from media_pod.providers.builtin.sphinx_grammar import WORDS, accepts


@pytest.mark.parametrize(
    "text",
    [
        "four seven one two",
        "oh",
        "yes",
        "no four seven one three",
        "hold on",
        "where is my parcel",
        "house number four two",
        "house number one seven station road",
        "church lane three eight",
    ],
)
def test_whole_utterances_are_accepted(text: str) -> None:
    assert accepts(text)
    assert set(text.split()) <= WORDS


@pytest.mark.parametrize("text", ["", "where is my", "four garden", "hold", "fourseven", "pizza"])
def test_anything_else_is_not(text: str) -> None:
    assert not accepts(text)


def test_the_parcel_desks_streets_can_be_said() -> None:
    assert all(accepts(street.lower()) for street in STREETS)
