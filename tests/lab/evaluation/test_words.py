"""Patterns for words: a part of the text in any case, or a regular expression."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.evaluation.scenario.words import matches

TEXT = "We are open from  nine to six,\nMonday to Saturday."


@pytest.mark.parametrize("pattern", ["nine to six", "NINE", "six, monday", "/nine|ten/", "/^we.*/"])
def test_what_is_there_is_found(pattern: str) -> None:
    assert matches(pattern, TEXT)


@pytest.mark.parametrize("pattern", ["ten", "six Monday", "/^nine/", "n.ne", "/"])
def test_what_is_not_there_is_not(pattern: str) -> None:
    assert not matches(pattern, TEXT)


@given(st.text(min_size=1).filter(lambda text: text.split()), st.text(), st.text())
def test_a_text_is_found_in_any_text_that_has_it(part: str, before: str, after: str) -> None:
    if not (part.startswith("/") and part.endswith("/")):
        assert matches(part, f"{before}{part}{after}")
