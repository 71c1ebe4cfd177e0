"""How long callers are waited for, by what they have said so far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.turn_taking.end_of_turn import (
    Expectation,
    SilenceSettings,
    is_backchannel,
    silence_ms,
)

SHORT, NORMAL, LONG, LONGEST = 300, 700, 1350, 2000
ENGLISH = SilenceSettings(min_ms=300, normal_ms=700, max_ms=2000)
GERMAN = SilenceSettings(min_ms=300, normal_ms=700, max_ms=2000, language="de-DE")
ANYTHING = Expectation()
FOUR_DIGITS = Expectation(digits=4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'd like to send the parcel back.", SHORT),
        ("I'd like to know where my parcel is.", NORMAL),
        ("Can you tell me when it comes?", SHORT),
        ("What is it for?", SHORT),
        ('She said "tomorrow."', SHORT),
        ("That's what I am looking for.", NORMAL),
        ("I've ordered a lamp last week", NORMAL),
        ("yes", NORMAL),
        ("", NORMAL),
        ("   ", NORMAL),
        ("It was on Monday,", LONG),
        ("I wanted to ask...", LONG),
        ("Well…", LONG),
        ("It's about the parcel and", LONG),
        ("I'm calling because", LONG),
        ("I want to change my", LONG),
        ("I want to change my.", LONG),
        ("The parcel is from", LONG),
        ("It's, uhm", LONG),
        ("Uh.", LONG),
        ("My number is.", LONG),
        ("Let me see.", LONG),
        ("Hold on.", LONG),
        ("My name is", LONG),
        ("Yes, but", LONG),
    ],
)
def test_without_a_question(text: str, expected: int) -> None:
    assert silence_ms(text, ANYTHING, ENGLISH) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("four seven", LONGEST),
        ("It's 4 7.", LONGEST),
        ("my number is", LONGEST),
        ("Yes,", LONGEST),
        ("okay so it is", LONGEST),
        ("double seven one", LONGEST),
        ("forty-seven one", LONGEST),
        ("four seven one three, no, four seven", LONGEST),
        ("oh four seven", LONGEST),
        ("four seven one three", SHORT),
        ("It's 4713", SHORT),
        ("4 7, 1 3,", SHORT),
        ("double seven one three", SHORT),
        ("nineteen eighty-six", SHORT),
        ("oh four seven one", SHORT),
        ("triple nine oh", SHORT),
        ("4713, sorry, 4718", SHORT),
        ("4 7 1 3 and", LONG),
        ("4713 please", NORMAL),
        ("I don't have one.", SHORT),
        ("Oh, I don't know.", SHORT),
        ("Where do I find it?", SHORT),
        ("Let me look", LONGEST),
        ("uhm", LONG),
        ("", LONG),
    ],
)
def test_while_a_number_of_four_digits_is_expected(text: str, expected: int) -> None:
    assert silence_ms(text, FOUR_DIGITS, ENGLISH) == expected


@pytest.mark.parametrize(
    ("text", "expects", "expected"),
    [
        ("Ich möchte wissen, wo mein Paket ist.", ANYTHING, SHORT),
        ("Wo ist mein Paket?", ANYTHING, SHORT),
        ("Ich möchte wissen, wo mein", ANYTHING, NORMAL),
        ("Das ist also so, man", ANYTHING, NORMAL),
        ("Am Montag,", ANYTHING, LONG),
        ("4 7", FOUR_DIGITS, LONGEST),
        ("47 13", FOUR_DIGITS, SHORT),
        ("ja", ANYTHING, NORMAL),
    ],
)
def test_in_other_languages_punctuation_and_digits_decide(
    text: str, expects: Expectation, expected: int
) -> None:
    assert silence_ms(text, expects, GERMAN) == expected


@pytest.mark.parametrize("text", ["包裹在哪里？", "我想知道。", "मेरा पार्सल कहाँ है।"])
def test_stops_of_other_scripts_end_a_turn(text: str) -> None:
    settings = SilenceSettings(min_ms=300, normal_ms=700, max_ms=2000, language="zh")
    assert silence_ms(text, ANYTHING, settings) == SHORT


@given(
    st.lists(st.sampled_from("four 7 my number is, uh . ? and no sorry, double oh yes".split())),
    st.sampled_from([ANYTHING, FOUR_DIGITS]),
)
def test_every_silence_lies_within_the_settings(words: list[str], expects: Expectation) -> None:
    assert SHORT <= silence_ms(" ".join(words), expects, ENGLISH) <= LONGEST


@given(st.lists(st.integers(0, 9), max_size=3), st.booleans())
def test_a_number_is_waited_for_until_its_last_digit(digits: list[int], spoken: bool) -> None:
    names = "zero one two three four five six seven eight nine".split()
    said = " ".join(["it's", *(names[digit] if spoken else str(digit) for digit in digits)])
    assert silence_ms(said, FOUR_DIGITS, ENGLISH) == LONGEST
    assert silence_ms(said, Expectation(digits=max(1, len(digits))), ENGLISH) == (
        SHORT if digits else LONGEST
    )


@pytest.mark.parametrize(
    "text",
    ["mhm", "Uh-huh.", "Okay, great.", "yeah", "Yes, right", "I see", "oh really?", "Mm-hmm"],
)
def test_a_listener_shows_attention(text: str) -> None:
    assert is_backchannel(text, bot_asked=False)


@pytest.mark.parametrize(
    "text", ["", "no", "Stop!", "okay stop", "4", "seven", "yeah but", "wait", "what?", "mhm 4 7"]
)
@pytest.mark.parametrize("bot_asked", [False, True])
def test_a_caller_wants_the_turn(text: str, bot_asked: bool) -> None:
    assert not is_backchannel(text, bot_asked)


@pytest.mark.parametrize("text", ["yes", "Okay.", "uh-huh", "right", "of course", "mhm"])
def test_a_yes_after_a_question_is_an_answer(text: str) -> None:
    assert not is_backchannel(text, bot_asked=True)


@pytest.mark.parametrize("text", ["hmm", "oh, I see"])
def test_after_a_question_some_words_answer_nothing(text: str) -> None:
    assert is_backchannel(text, bot_asked=True)
