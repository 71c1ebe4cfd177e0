"""Text split into the pieces that a voice speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.tts.sentences import FIRST_PIECE_CHARS, HARD_CHARS, pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you?", ["Hello.", "How are you?"]),
        ("Meet Dr. Smith. He waits.", ["Meet Dr. Smith.", "He waits."]),
        ("It weighs 3.5 kg. Fine.", ["It weighs 3.5 kg.", "Fine."]),
        ("Your number is 4712. Thank you.", ["Your number is 4712.", "Thank you."]),
        ("Take No. 5 to the end. Get off.", ["Take No. 5 to the end.", "Get off."]),
        ("It opens at 9 a.m. The door is red.", ["It opens at 9 a.m.", "The door is red."]),
        ("It opens at 9 a.m. on Mondays.", ["It opens at 9 a.m. on Mondays."]),
        ("Go to St. Mary street, e.g. Today.", ["Go to St. Mary street, e.g. Today."]),
        ("J. Smith called.", ["J. Smith called."]),
        ("1. Open the box. 2. Close it.", ["1. Open the box.", "2. Close it."]),
        ('He said "Go!" Then he left.', ['He said "Go!"', "Then he left."]),
        ("Well... Yes.", ["Well...", "Yes."]),
        ("one\n\ntwo", ["one", "two"]),
        ("... Hello. ?!", ["... Hello."]),
        ("", []),
        (" \n -- ?! ", []),
        ("5 % & more", ["5 % & more"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert list(pieces(text)) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "de",
            "Hr. Dr. Müller kommt am 3. Mai. Das kostet ca. 5 Euro, z. B. bar. Gut.",
            ["Hr. Dr. Müller kommt am 3. Mai.", "Das kostet ca. 5 Euro, z. B. bar.", "Gut."],
        ),
        ("de", "Er sagte: „Geh!“ Dann ging er.", ["Er sagte: „Geh!“", "Dann ging er."]),
        ("es", "¿Cómo está? El Sr. García llamó.", ["¿Cómo está?", "El Sr. García llamó."]),
        ("fr", "M. Dupont est là. Il attend.", ["M. Dupont est là.", "Il attend."]),
        ("fr", "Il dit « Allez ! » Puis il part.", ["Il dit « Allez ! »", "Puis il part."]),
        ("hi", "नमस्ते। डॉ. शर्मा आए। आप कैसे हैं?", ["नमस्ते।", "डॉ. शर्मा आए।", "आप कैसे हैं?"]),
        ("cmn", "价格是3.5元。他说：“走吧！”谢谢。", ["价格是3.5元。", "他说：“走吧！”", "谢谢。"]),
        ("ja", "こんにちは。お元気ですか？", ["こんにちは。", "お元気ですか？"]),
        ("ar", "مرحبا. كيف حالك؟", ["مرحبا.", "كيف حالك؟"]),
        ("xx", "Hello. You.", ["Hello.", "You."]),
    ],
)
def test_sentences_of_other_languages(language: str, text: str, expected: list[str]) -> None:
    assert list(pieces(text, language)) == expected


def test_a_long_sentence_without_blanks_is_split_at_its_clauses() -> None:
    clause = "您的包裹今天早上已经交给司机了他会在下午五点之前把包裹送到您家，"
    assert next(pieces(clause * 8 + "谢谢。", "cmn")) == clause * 2


def test_a_long_first_sentence_begins_with_a_short_clause() -> None:
    text = (
        "Your parcel is kept at the depot for ten working days, and when nobody has come for it by "
        "then, it goes back to the sender; the sender pays for the way back, as the law demands."
    )
    cut = list(pieces(text))
    assert cut[0] == "Your parcel is kept at the depot for ten working days,"
    assert len(cut[0]) <= FIRST_PIECE_CHARS
    assert " ".join(cut) == text


def test_text_without_any_stop_is_bounded() -> None:
    assert max(len(piece) for piece in pieces("parcel " * 1000)) <= HARD_CHARS
    assert max(len(piece) for piece in pieces("x" * 5000)) <= HARD_CHARS


@given(st.text(alphabet=st.sampled_from("ab.,;:!? \n1-—\"')(D r M"), max_size=900))
def test_no_word_is_lost_or_added(text: str) -> None:
    cut = list(pieces(text))
    letters = "".join(sign for piece in cut for sign in piece if sign.isalnum())
    assert letters == "".join(sign for sign in text if sign.isalnum())
    assert all(any(sign.isalnum() for sign in piece) and piece == piece.strip() for piece in cut)
