"""Which keys are a number, and what ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.call.keypad import DigitSettings, Key, Keypad

GAP_MS, MISSING_MS = 3000, 8000


def keypad(least: int = 1, most: int = 64, terminator: str = "#") -> Keypad:
    return Keypad(DigitSettings(GAP_MS, least, most, terminator), MISSING_MS)


def pressed(pad: Keypad, keys: str, *, over_answer: bool = False) -> list[Key]:
    return [pad.press(key, over_answer=over_answer) for key in keys]


def answered(pad: Keypad) -> None:
    pad.turn_over()
    pad.answered()


@given(st.text("0123456789*ABCD", min_size=1, max_size=80), st.integers(1, 64))
def test_a_number_ends_with_its_last_possible_digit(keys: str, most: int) -> None:
    pad = keypad(most=most)
    does = pressed(pad, keys)

    assert pad.digits == keys[:most]
    assert does == [
        Key.ADDED if n < most else Key.LAST if n == most else Key.DROPPED
        for n in range(1, len(keys) + 1)
    ]


@pytest.mark.parametrize("terminator", ["#", "*"])
def test_the_terminator_ends_a_number_and_is_no_part_of_it(terminator: str) -> None:
    pad = keypad(terminator=terminator)

    assert pressed(pad, f"48{terminator}") == [Key.ADDED, Key.ADDED, Key.LAST]
    assert pad.digits == "48"


def test_without_a_terminator_all_keys_are_digits() -> None:
    pad = keypad(terminator="")
    pressed(pad, "*21#")
    assert pad.digits == "*21#"


def test_missing_digits_are_waited_for_longer() -> None:
    pad = keypad(least=3)
    pressed(pad, "48")
    assert pad.gap_ms == MISSING_MS
    pressed(pad, "3")
    assert pad.gap_ms == GAP_MS


def test_an_expected_length_counts_in_place_of_the_settings() -> None:
    pad = keypad(least=3, most=3)
    pad.expect(5)
    assert pressed(pad, "48370")[-2:] == [Key.ADDED, Key.LAST]
    assert pad.gap_ms == GAP_MS


def test_keys_over_the_answer_to_a_number_that_only_the_gap_ended_join_it() -> None:
    pad = keypad()
    pressed(pad, "48")
    answered(pad)
    pressed(pad, "37", over_answer=True)
    assert pad.digits == "4837"


@pytest.mark.parametrize(("keys", "most"), [("48#", 64), ("48", 2)])
def test_keys_over_the_answer_to_a_whole_number_are_the_next(keys: str, most: int) -> None:
    pad = keypad(most=most)
    pressed(pad, keys)
    answered(pad)
    pressed(pad, "3", over_answer=True)
    assert pad.digits == "3"


def test_keys_after_the_answer_are_the_next_number() -> None:
    pad = keypad()
    pressed(pad, "48")
    answered(pad)
    pressed(pad, "37")
    assert pad.digits == "37"


def test_a_number_that_the_answer_asks_for_is_a_new_one() -> None:
    pad = keypad()
    pressed(pad, "1")
    answered(pad)
    pad.expect(2)
    pressed(pad, "37", over_answer=True)
    assert pad.digits == "37"


def test_a_turn_without_keys_is_no_part_of_a_number() -> None:
    pad = keypad()
    pressed(pad, "48")
    answered(pad)
    answered(pad)
    pressed(pad, "37", over_answer=True)
    assert pad.digits == "37"


def test_a_terminator_after_a_full_number_is_dropped_once() -> None:
    """Callers end numbers with it, whether they have to or not."""
    pad = keypad(most=2)
    pressed(pad, "48")
    answered(pad)
    assert pressed(pad, "##", over_answer=True) == [Key.DROPPED, Key.LAST]
    answered(pad)
    answered(pad)
    assert pressed(pad, "#") == [Key.LAST]
