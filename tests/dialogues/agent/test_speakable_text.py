"""What a model writes, made into what a voice can speak."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.agent.speakable_text import SpeakableText

MARKED = [
    ("**Hello** *there*, _you_ and __them__.", "Hello there, you and them."),
    ("***Very* bold** and ~~old~~ new", "Very bold and old new"),
    ("a ~~~b c ###d e ===f", "a b c d e f"),
    ("*note\n5*(2)", "note 5*(2)"),
    ("**unclosed text", "unclosed text"),
    ("ends in ** and *", "ends in and"),
    ("**bold**text", "boldtext"),
    ("**5**2", "52"),
    ("*see*(below)", "see(below)"),
    ("# Title\nText", "Title. Text"),
    ("Title\n=====\nText", "Title. Text"),
    ("one\n\n---\n\ntwo", "one. two"),
    (
        "Here it is:\n- **Price:** 5 €\n- Name: Joe\n\nDone",
        "Here it is: Price: 5 €. Name: Joe. Done",
    ),
    ("- [ ] wash\n- [x] dry", "wash. dry"),
    ("Red • Green • Blue", "Red, Green, Blue"),
    ("1. Open it\n2. Close it", "1. Open it. 2. Close it"),
    ("> quoted\n> more", "quoted more"),
    ("苹果\n\n梨子。", "苹果。梨子。"),
    ("|苹果|梨子|", "苹果，梨子"),
    (
        "| Name | Price |\n|---|:---:|\n| Tea | 2 |\n| Milk | |\nBye",
        "Name, Price. Tea, 2. Milk. Bye",
    ),
    ("a | b\n--- | ---\n1 | 2", "a, b. 1, 2"),
    ("```python\nx = 2**3\n```\nDone", "x = 2**3. Done"),
    ("~~~\n- x\n```\n~~~\nDone", "- x ```. Done"),
    ("use `ls -l` now", "use ls -l now"),
    ("```ls``` lists", "ls lists"),
    ('See [our site](https://x.com/a_(b) "Title").', "See our site."),
    ("[https://x.com/a](https://x.com/a)", "x.com"),
    ("[a][ref] ![a cat](cat.png) [sic]", "a a cat sic"),
    ("It is so [1]. And so[^note].", "It is so. And so."),
    (
        "Visit https://www.example.com:80/a?q=1#x. Or **http://b.org**!",
        "Visit example.com. Or b.org!",
    ),
    ("http://! or www...", "http://! or www..."),
    ("(see www.example.com/a_b)", "(see example.com)"),
    ("https://example.comをご覧ください", "example.comをご覧ください"),
    ("<https://x.com/a> or <a.b@x.com>", "x.com or a.b@x.com"),
    ("Mail john_doe+x@example.co.uk.", "Mail john_doe+x@example.co.uk."),
    ('<speak>Hi<break time="500ms"/>you</speak>', "Hi you"),
    ("<p>one</p><p>two<!-- no --></p>", "one. two"),
    ("<b>bo</b>ld<video controls>", "bold"),
    ("AT&amp;T &lt;3&nbsp;R&D", "AT&T <3 R&D"),
    ("Great 👍. Hi👋there 👨‍👩‍👧 and 👍🏽 🇩🇪!", "Great. Hi there and!"),
    ("5️⃣0️⃣ ok #️⃣ ©️ Acme™", "ok Acme™"),
    ("a\x00b\u200bc\ud800 \t\n d\u00a0e", "abc d e"),
    (r"1986\. \*no\*", "1986. *no*"),
    ("#5 in C# ## x", "#5 in C# x"),
    ("# Title #\nText", "Title. Text"),
    ("one\\\ntwo &#x1F600;", "one two"),
    ("", ""),
    (" \n ", ""),
]
KEPT = [
    "5*3*2",
    "2 * 3 * 4 = 24",
    "A*B=C",
    "(1+2)*(3-1)",
    "2**3 and x**2",
    "1986. A great year.",
    "-5 degrees, 9-5, 3.50 - 2",
    "if a < b and c > d, then x<y",
    "I <3 you",
    "Press * or #, then #. Or *.",
    "snake_case and file_name.txt",
    "Bonjour ! Ça va ?",
    'She said "yes" (twice) -- really...',
    "R&D at AT&T; 50 % off: $3.50 at 10:30 a.m.",
    "می‌خواهم क्‍ष",
]


def spoken(*deltas: str) -> str:
    text = SpeakableText()
    return "".join([*map(text.feed, deltas), text.finish()])


@pytest.mark.parametrize(("written", "expected"), MARKED)
def test_marks_are_left_out(written: str, expected: str) -> None:
    assert spoken(written) == expected


@pytest.mark.parametrize("text", KEPT)
def test_arithmetic_names_and_prose_stay(text: str) -> None:
    assert spoken(text) == text


_SIGNS = [*"*_`~#|<>[]()!&\\-=.:12aw \n\n👍", "\ufe0f", "\u20e3", "\u200d"]
_STARTS = [
    "```",
    "---",
    "](",
    "<b ",
    '<a b="c',
    "http://",
    "www.x",
    "[^",
    "<!--",
    "&amp",
    "- ",
    "1. ",
]
_FRAGMENTS = st.sampled_from(_SIGNS + _STARTS)


@given(st.lists(_FRAGMENTS, max_size=30).map("".join), st.data())
def test_any_split_gives_the_same(written: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(written)))))
    parts = [written[a:b] for a, b in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    assert spoken(*parts) == spoken(written)
    assert spoken(*written) == spoken(written)


@pytest.mark.parametrize("written", [written for written, _ in MARKED] + KEPT)
def test_character_by_character_gives_the_same(written: str) -> None:
    assert spoken(*written) == spoken(written)


@given(st.text(max_size=60))
def test_white_space_is_one_blank_and_nothing_is_a_control_character(written: str) -> None:
    result = spoken(written)
    assert result == " ".join(result.split())
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", result)


_WORDS = st.from_regex(r"[A-Za-zäßé]{1,9}[,.;:?!]?|[0-9]{1,4}[.,]?[0-9]{0,2}", fullmatch=True)


@given(st.lists(_WORDS, min_size=1, max_size=30))
def test_plain_prose_stays_and_lags_by_no_more_than_a_token(words: list[str]) -> None:
    tokens = [words[0], *(f" {word}" for word in words[1:])]
    text = SpeakableText()
    result = ""
    for count, token in enumerate(tokens):
        result += text.feed(token)
        assert len(result) >= len("".join(tokens[:count]))
    assert result + text.finish() == " ".join(words)


@pytest.mark.parametrize(
    "written",
    [
        "*" * 9000,
        "<" * 9000,
        "](" * 4000,
        "<a " + "b=c " * 3000,
        "http://" + "a" * 9000,
        "<!" * 4000,
    ],
)
def test_what_is_held_back_is_bounded(written: str) -> None:
    text = SpeakableText()
    text.feed(written)
    assert len(text.feed("x" * 5000)) >= 2500
