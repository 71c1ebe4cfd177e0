"""Settled text, cut into clauses."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.agent.clauses import LOOKAHEAD_CHARS, ClauseCutter
from media_pod.providers.tts.sentences import PIECE_CHARS, sentences

LONG = "the parcel goes on and on " * 9


def cut(*parts: str, language: str = "en") -> list[str]:
    cutter = ClauseCutter(language)
    return [clause for part in parts for clause in cutter.feed(part)] + cutter.finish()


CASES = [
    ("en", ["Sure, I will check that,", "so wait, please.", "It is here, Joe."]),
    ("en", ["Hello.", "I am Dr. Smith.", "I come at 10 a.m. on Monday, e.g. early.", "Fine."]),
    ("en", ["It weighs 3.5 kg.", "It costs 1,200.50 at 10:30."]),
    ("en", ["The answer is 5 - 3 and 2.", "Next."]),
    ("en", ["I can do that -", "if you like - now."]),
    ("en", ["Unquestionably,", "yes."]),
    ("en", ["Take No. 5.", "I said no.", "It was bad."]),
    ("en", ["1. Open the box.", "2. Close it."]),
    ("en", ["Really?!", "Yes... maybe.", '"Go!" he said.']),
    ("de", ["Gerne, Hr. Müller kommt am 3. Mai.", "Das kostet ca. 5 Euro, z. B. bar.", "Gut."]),
    ("de-AT", ["Hr. Müller kommt am 3. Mai um 10.30 Uhr.", "Gut."]),
    ("fr", ["Bonjour !", "M. Dupont est là."]),
    ("hi", ["नमस्ते।", "डॉ. शर्मा आए।", "आप कैसे हैं?"]),
]


@pytest.mark.parametrize(("language", "expected"), CASES)
def test_clauses(language: str, expected: list[str]) -> None:
    text = " ".join(expected)
    assert cut(text, language=language) == expected
    assert cut(*text, language=language) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("ja", ["こんにちは、お元気ですか？", "「はい。」", "3.5元です！"]),
        ("zh", ["您的包裹今天早上已经交给司机了，", "他会在五点之前到，谢谢。", "再见！"]),
    ],
)
def test_ideographic_stops_need_no_blank(language: str, expected: list[str]) -> None:
    assert cut("".join(expected), language=language) == expected


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["Hello", ".", " H"], [[], [], ["Hello."]]),
        (["Sure, I will,", " "], [[], ["Sure, I will,"]]),
        (["See you on 3", ".", " Mai", "."], [[], [], [], []]),
        (["はい", "。", "そ"], [[], [], ["はい。"]]),
    ],
)
def test_a_clause_comes_as_early_as_it_is_certain(
    tokens: list[str], expected: list[list[str]]
) -> None:
    cutter = ClauseCutter("de")
    assert [cutter.feed(token) for token in tokens] == expected


def test_a_long_sentence_is_cut_at_its_last_clause_else_at_a_blank() -> None:
    with_comma = f"{LONG[:120].strip()}, {LONG}"
    assert cut("Hi. " + with_comma)[1] == f"{LONG[:120].strip()},"
    first = cut(LONG + "to Dr. Smith")[0]
    assert LONG.startswith(first + " ")
    assert PIECE_CHARS - 20 < len(first) <= PIECE_CHARS
    title = "x" * (PIECE_CHARS - 7) + " Dr. " + "y" * 100
    assert cut("a " + title) == ["a " + "x" * (PIECE_CHARS - 7), "Dr. " + "y" * 100]


def test_text_without_blanks_is_bounded() -> None:
    cutter = ClauseCutter("en")
    assert [len(clause) for clause in cutter.feed("x" * 500)] == [PIECE_CHARS] * 2
    assert cut("." * 5000) == []


_SIGNS = [*".,;:!?… -–\n\"')(。，！」"]
_WORDS = ["Hello ", "it", " no. ", "Dr. ", "z. B. ", "3.", "5 ", "10 a.m. ", LONG]
_TEXT = st.lists(st.sampled_from(_SIGNS + _WORDS), max_size=40).map("".join)


@given(_TEXT, st.sampled_from(["en", "de", "ja", "xx"]), st.data())
def test_any_split_gives_the_same_clauses(text: str, language: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert cut(*parts, language=language) == cut(text, language=language)


@given(_TEXT)
def test_clauses_give_the_text_back(text: str) -> None:
    found = cut(*text)
    letters = "".join(sign for clause in found for sign in clause if sign.isalnum())
    assert letters == "".join(sign for sign in text if sign.isalnum())
    assert all(0 < len(clause) <= PIECE_CHARS + LOOKAHEAD_CHARS for clause in found)
    assert "".join(found).replace(" ", "") in "".join(text.split())


@pytest.mark.parametrize(
    ("text", "flushed", "rest"),
    [
        ("One moment.", ["One moment."], []),
        ("Are you there?", ["Are you there?"], []),
        ("Let me look that up for you, and then", ["Let me look that up for you,"], ["and then"]),
        ("Let me look that up,", ["Let me look that up,"], []),
        ("I will ask. One", ["I will ask."], ["One"]),
        ("It costs 3.", [], ["It costs 3."]),
        ("It costs you about 3,", [], ["It costs you about 3,"]),
        ("This is Dr.", [], ["This is Dr."]),
        ("Okay,", [], ["Okay,"]),
        ("はい。", ["はい。"], []),
        ("One mom", [], ["One mom"]),
        ("", [], []),
    ],
)
def test_a_pause_flushes_what_is_complete(text: str, flushed: list[str], rest: list[str]) -> None:
    cutter = ClauseCutter("en")
    early = cutter.feed(text)
    assert early + cutter.flush() == flushed
    assert cutter.finish() == rest


def test_the_work_grows_with_the_text_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []

    def counting(text: str, language: str) -> Iterator[str]:
        judged.append(len(text))
        return sentences(text, language)

    monkeypatch.setattr("media_pod.dialogues.agent.clauses.sentences", counting)
    text = "It weighs approx. 3 kg. Dr. Smith has it. " * 50
    cut(*text)
    assert len(judged) == text.count(". ")
    assert max(judged) <= PIECE_CHARS + LOOKAHEAD_CHARS
