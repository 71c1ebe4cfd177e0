"""Words of a text and their estimated times."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.tts.spoken_words import joined, spoken_words, total_letters, word_times

UNSPACED = ("CJK ", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def texts(text: str) -> list[str]:
    return [word.text for word in spoken_words(text)]


@given(
    st.text() | st.text("ab, .-—「」。、きゃッー日本กเะ1é\u0301", min_size=1),
    st.integers(0, 1000),
    st.integers(0, 100_000),
)
def test_words_cover_the_text_and_the_sound_in_order(text: str, start: int, length: int) -> None:
    times = word_times(spoken_words(text), start, start + length)
    edges = [edge for word in times for edge in (word.start_sample, word.end_sample)]
    assert edges == sorted(edges)
    if times:
        joined = " ".join(word.text for word in times)
        assert "".join(joined.split()) == "".join(text.split())
        assert (edges[0], edges[-1]) == (start, start + length)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Yes - or no?", ["Yes -", "or", "no?"]),
        ("“Well”, he said…", ["“Well”,", "he", "said…"]),
        ("你好，世界。", ["你", "好，", "世", "界。"]),
        ("我用Python写2026年的", ["我", "用", "Python", "写", "2026", "年", "的"]),
        ("「東京」へ行った", ["「東", "京」", "へ", "行っ", "た"]),
        ("チョコレート", ["チョ", "コ", "レー", "ト"]),
        ("สวัสดีครับ", ["ส", "วั", "ส", "ดี", "ค", "รั", "บ"]),
        ("เธอไป", ["เธ", "อ", "ไป"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("...", []),
        ("", []),
    ],
)
def test_words_are_those_that_can_be_heard_one_by_one(text: str, words: list[str]) -> None:
    assert texts(text) == words


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), max_size=5))
def test_blanks_are_left_out_beside_scripts_without_them_alone(words: list[str]) -> None:
    assert "".join(joined(words).split()) == "".join("".join(words).split())
    letters = "".join(words)
    if not any(unicodedata.name(sign, "").startswith(UNSPACED) for sign in letters):
        assert joined(words) == " ".join(words)


def test_a_comma_pauses_and_a_last_one_does_not() -> None:
    assert total_letters(spoken_words("one, two,")) == 4 + 4 + 4
    assert total_letters(spoken_words("one two")) == 4 + 4
    one, two = word_times(spoken_words("one, two"), 0, 120)
    assert (one.start_sample, one.end_sample) == (0, 40)
    assert (two.start_sample, two.end_sample) == (80, 120)


def test_a_han_character_takes_the_time_of_a_syllable() -> None:
    assert total_letters(spoken_words("中")) == total_letters(spoken_words("cat"))


@pytest.mark.parametrize(
    "text",
    [
        "“Well”, he said…",
        "你好，世界。",
        "我用Python写2026年的",
        "「東京」へ行った",
        "สวัสดีครับ",
        "안녕하세요 여러분",
        "",
    ],
)
def test_words_are_joined_as_their_script_writes_them(text: str) -> None:
    assert joined(texts(text)) == text
