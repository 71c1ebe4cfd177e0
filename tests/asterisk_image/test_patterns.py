"""Which extensions overlap, against every short number."""

import re
from functools import cache
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_config.patterns import covers, overlap

SIGNS = "0129*+"
NUMBERS = ["".join(each) for length in range(1, 5) for each in product(SIGNS, repeat=length)]
"""Every number of up to four of these characters."""

PART = st.sampled_from(["0", "1", "2", "9", "*", "X", "Z", "N", "[01]", "[1-9]", "[02-9]", "[9-1]"])
PATTERN = st.builds(
    lambda parts, tail: f"_{''.join(parts)}{tail}",
    st.lists(PART, min_size=1, max_size=3),
    st.sampled_from(["", ".", "!"]),
)
EXTENSION = st.one_of(PATTERN, st.text("0129", min_size=1, max_size=3))


@cache
def matched(extension: str) -> frozenset[str]:
    """By regular expression, which says it in another way."""
    if not extension.startswith("_"):
        return frozenset({extension})
    regex = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*", "*": "[*]"}
    parts = re.findall(r"\[[^]]*\]|.", extension[1:])
    never = "(?!)"
    made = "".join(never if part == "[9-1]" else regex.get(part, part) for part in parts)
    return frozenset(number for number in NUMBERS if re.fullmatch(made, number))


@given(EXTENSION, EXTENSION)
def test_two_overlap_if_and_only_if_some_number_matches_both(one: str, other: str) -> None:
    some = bool(matched(one) & matched(other))
    assert overlap(one, other) == overlap(other, one) == some


@given(EXTENSION, EXTENSION)
def test_one_covers_another_if_and_only_if_it_matches_all_of_its_numbers(
    outer: str, inner: str
) -> None:
    assert covers(outer, inner) == (matched(inner) <= matched(outer))


@given(EXTENSION)
def test_an_extension_covers_itself(extension: str) -> None:
    assert covers(extension, extension)


@pytest.mark.parametrize(
    ("one", "other"),
    [("_X.", "601"), ("_1XX", "112"), ("_3069X.", "_30691!"), ("_[0-9]12", "112"), ("_X!", "9")],
)
def test_pairs_that_overlap(one: str, other: str) -> None:
    assert overlap(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("_X.", "6"), ("_NXX", "112"), ("100", "1000"), ("_3069X.", "_3068X."), ("_X.", "+49")],
)
def test_pairs_that_do_not(one: str, other: str) -> None:
    assert not overlap(one, other)
