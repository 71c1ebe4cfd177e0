"""Pronunciation, and the time of each word in it."""

import pytest

from media_pod.providers.builtin.espeak_engine import PhonemeClause, engine
from media_pod.providers.piper.pronunciation import pronounce
from media_pod.providers.piper.word_times import PhonemeSpan, timed_words
from media_pod.providers.tts.spoken_words import spoken_words


def phonemize(text: str) -> list[PhonemeClause]:
    espeak = engine()
    return espeak.phonemes(text, espeak.resolve("en-us"))


def phonemes_of(text: str) -> str:
    return pronounce(text, phonemize)


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("Hello, world.", "həlˈoʊ, wˈɜːld."),
        ("What is it? Wait!", "wˌʌt ɪz ɪt? wˈeɪt!"),
        ("He said “yes”, then left", "hiː sˈɛd jˈɛs, ðˈɛn lˈɛft"),
        ("Dr. Smith – at home…", "dˈɑːktɚ smˈɪθ, æt hˈoʊm."),
        ("", ""),
    ],
)
def test_phonemes_have_the_marks_that_espeak_drops(text: str, phonemes: str) -> None:
    assert phonemes_of(text) == phonemes


def test_what_espeak_says_about_the_language_is_not_spoken() -> None:
    clause = PhonemeClause("ɪst (en)ɡɹˈeɪt(de)", "ist great.")
    assert pronounce("ist great.", lambda text: [clause]) == "ɪst ɡɹˈeɪt."


def test_compound_signs_are_decomposed_as_in_the_voices_maps() -> None:
    assert pronounce("x", lambda text: [PhonemeClause("\u00e7", "x")]) == "c\u0327"


def spoken(text: str) -> dict[str, str]:
    """Each word of `text` with what is heard during its time."""
    phonemes = phonemes_of(text)
    spans = [PhonemeSpan(phoneme, n, n + 1) for n, phoneme in enumerate(phonemes)]
    words = timed_words(spoken_words(text), spans, phonemes_of)
    assert "".join(word.text for word in words).replace(" ", "") == text.replace(" ", "")
    edges = [edge for word in words for edge in (word.start_sample, word.end_sample)]
    assert edges == sorted(edges)
    return {
        word.text: phonemes[word.start_sample : word.end_sample].replace("ˈ", "") for word in words
    }


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        # Groups of words that espeak joins, and numbers that are several words, in one sentence.
        (
            "Of the 42 cards, two.",
            {"Of": "ʌv", "the": "ðə", "42": "fɔːɹɾi tuː", "cards,": "kɑːɹdz", "two.": "tuː"},
        ),
        # Words that sound otherwise alone: "a" begins where the word before ends.
        (
            "He leaves a card.",
            {"He": "hiː", "leaves": "liːvz", "a": "ɐ", "card.": "kɑːɹd"},
        ),
        ("Yes.", {"Yes.": "jɛs"}),
    ],
)
def test_each_word_has_its_own_phonemes_and_no_pause(text: str, heard: dict[str, str]) -> None:
    assert spoken(text) == heard


@pytest.mark.parametrize(
    "text",
    [
        "If nobody opens the door, Dr. Smith leaves a card - and takes it back.",
        "On the 14th of May, 2026, at 10:30 in the morning!",
        "I'm going to have to ask you for it.",
        "www.example.com & Co. cost $3.50 - no, €4.",
        "a a a a",
        "日本 ok",
    ],
)
def test_every_word_has_a_time_in_order(text: str) -> None:
    assert len(spoken(text)) == len(set(spoken_words(text)))


def test_without_sounds_there_are_no_times() -> None:
    assert timed_words(spoken_words("yes"), [PhonemeSpan(" ", 0, 1)], phonemes_of) == ()
