"""What a language model writes besides words: a table of marks, recognized in a stream.

Rules
-----
- A mark is decided by what follows it, within a bound. `whole` matches a mark that is complete,
  with as much of what follows as decides it; `partial` matches text that may become one when more
  text has come. So what a mark is does not depend on where the text was cut.
- Marks that begin with the same character are tried in the order of the table. The first one that
  may still come about holds back the text from there on.
- Line marks count at the start of a line alone, cell marks within a row of a table, word marks
  where no letter or digit precedes, blank marks after white space. In a fenced code block only its
  end is a mark.

The syntax is that of CommonMark 0.31 and GitHub's tables, as far as a voice needs it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final


class Mark(Enum):
    """A kind of mark; `SpeakableText` has an action for each."""

    AUTOLINK = auto()
    """<https://example.com> or <mail@example.com>; group 1 is what is within."""
    BRACKET = auto()
    BULLET = auto()
    CELL_RULE = auto()
    """A cell of dashes, as in the row below a table's heading."""
    CITATION = auto()
    """[1] or [^note]."""
    EMPHASIS = auto()
    """A run of * or _: emphasis, arithmetic, or part of a name."""
    ENTITY = auto()
    ESCAPE = auto()
    """A backslash before punctuation, which is group 1, or before the end of the line."""
    FENCE = auto()
    """The first or last line of a code block; group 1 is its run of marks."""
    HASH = auto()
    HEADING = auto()
    KEYCAP = auto()
    """A digit or sign that a following mark makes an emoji."""
    LINK_END = auto()
    """The end of a link's title, and its target."""
    NUMBER = auto()
    """The number of a list item."""
    PIPE = auto()
    QUOTE = auto()
    RULE = auto()
    """A run of signs that draws a line."""
    SILENT = auto()
    """Signs that are left out without a trace."""
    TAG = auto()
    """A tag of HTML or SSML; group 1 is its name."""
    URL = auto()


class Place(Enum):
    """Where a mark counts."""

    ANY = auto()
    BLANK = auto()
    CELL = auto()
    LINE = auto()
    WORD = auto()


@dataclass(frozen=True, slots=True)
class MarkRule:
    """How a mark is recognized."""

    mark: Mark
    first: str
    """The characters that it can begin with."""
    whole: re.Pattern[str]
    partial: re.Pattern[str] | None
    """None if `whole` decides by its first character."""
    place: Place


_FLAGS: Final = re.IGNORECASE | re.DOTALL


def _rule(
    mark: Mark, first: str, whole: str, partial: str | None = None, place: Place = Place.ANY
) -> MarkRule:
    held = None if partial is None else re.compile(partial, _FLAGS)
    return MarkRule(mark, first, re.compile(whole, _FLAGS), held, place)


def _beginnings(word: str) -> str:
    """A pattern for the beginnings of `word`, at least one character long."""
    return "|".join(re.escape(word[:length]) for length in range(1, len(word) + 1))


BULLETS: Final = "•◦‣●■"
"""Signs that are bullets wherever they stand."""

# Runs of a sign are possessive ("{1,64}+"): otherwise the lookahead could be satisfied by the run's
# own last sign, and the result would depend on where the text was cut.
_LINK_URL = r"[^\s()<>]{0,1000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,1000})?"
_HELD_LINK_URL = r"[^\s()<>]{0,1000}(?:\([^\s()<>]{0,200}\)?[^\s()<>]{0,1000})?"
_NAME = r"[a-z][\w:.-]{0,40}"
_KEY = r"[\w:.-]{1,40}"
_ATTRIBUTES = (
    rf"""(?:\s{{1,3}}{_KEY}\s?=\s?"""
    r"""(?:"[^"<>]{0,300}"|'[^'<>]{0,300}'|[^\s"'<>=]{1,300})){0,20}"""
)
_HELD_ATTRIBUTE = (
    rf"""(?:\s{{1,3}}(?:{_KEY}(?:\s?=\s?"""
    r"""(?:"[^"<>]{0,300}|'[^'<>]{0,300}|[^\s"'<>=]{0,300})?)?)?)?"""
)
# Latin letters besides ASCII, for host names such as müller.de; other scripts end a URL, because
# they write words without blanks.
_URL_SIGN = r"[!#-;=?-Z\\^_a-z{}~À-ɏ]"
_LINES, _CELLS, _WORDS = Place.LINE, Place.CELL, Place.WORD

_RULES: Final = (
    _rule(Mark.KEYCAP, "0123456789#*", r"[\d#*]\ufe0f?\u20e3", r"[\d#*]\ufe0f?"),
    _rule(Mark.KEYCAP, "©®™", r"[©®™]\ufe0f", r"[©®™]"),
    _rule(
        Mark.FENCE,
        "`~",
        r"(`{3,64}+|~{3,64}+)[^`\n]{0,100}\n",
        r"`{1,2}|~{1,2}|(?:`{3,64}|~{3,64})[^`\n]{0,100}",
        _LINES,
    ),
    _rule(
        Mark.RULE,
        "-*_=",
        r"([-*_=])(?:[ \t]{0,3}\1){2,99}[ \t]{0,3}\n",
        r"([-*_=])(?:[ \t]{0,3}\1){0,99}[ \t]{0,3}",
        _LINES,
    ),
    _rule(Mark.HEADING, "#", r"#{1,6}+(?=[ \t])", r"#{1,6}", _LINES),
    _rule(Mark.BULLET, "-*+–—·", r"[-*+–—·](?=[ \t])", r"[-*+–—·]", _LINES),
    _rule(Mark.BULLET, BULLETS, rf"[{BULLETS}]"),
    _rule(Mark.NUMBER, "0123456789", r"\d{1,3}[.)](?=[ \t])", r"\d{1,3}[.)]?", _LINES),
    _rule(Mark.QUOTE, ">", r">(?!=)(?=.)", r">", _LINES),
    _rule(Mark.PIPE, "|", r"\|"),
    _rule(
        Mark.CELL_RULE, ":-", r":?-{1,99}+:?(?=[ \t]{0,9}[|\n])", r":?-{0,99}:?[ \t]{0,9}", _CELLS
    ),
    _rule(Mark.ESCAPE, "\\", r"\\(?:([!-/:-@\[-`{-~])|(?=\n))", r"\\"),
    _rule(Mark.EMPHASIS, "*_", r"([*_])\1{0,63}+(?=.)", r"([*_])\1{0,63}"),
    _rule(Mark.SILENT, "~", r"~{2,64}+(?=.)", r"~{1,64}"),
    _rule(Mark.SILENT, "`", r"`"),
    _rule(Mark.SILENT, "!", r"!(?=\[)", r"!", Place.BLANK),
    _rule(Mark.SILENT, "[", r"\[[ x]\](?=\s)", r"\[(?:[ x]\]?)?"),
    _rule(
        Mark.CITATION,
        "[",
        r"\[(?:\^[^\]\s]{1,30}|\d{1,3})\](?=[^(])",
        r"\[(?:\^[^\]\s]{0,30}|\d{0,3})\]?",
    ),
    _rule(
        Mark.LINK_END,
        "]",
        rf'\](?:\([ \t]?<?{_LINK_URL}>?(?:\s"[^"\n]{{0,300}}")?[ \t]?\)|\[[^\]\n]{{0,60}}\])',
        rf'\](?:\((?:[ \t]?<?{_HELD_LINK_URL}>?(?:\s(?:"[^"\n]{{0,300}}"?)?)?[ \t]?)?'
        r"|\[[^\]\n]{0,60})?",
    ),
    _rule(Mark.BRACKET, "[]", r"[\[\]]"),
    _rule(
        Mark.AUTOLINK,
        "<",
        r"<(https?://[^\s<>]{1,1000}|[\w.+-]{1,64}@[\w.-]{1,255})>",
        r"<[^\s<>]{0,1100}",
    ),
    _rule(Mark.SILENT, "<", r"<[!?][^<>]{0,1000}>", r"<[!?][^<>]{0,1000}"),
    _rule(
        Mark.TAG,
        "<",
        rf"</?({_NAME}){_ATTRIBUTES}(?:\s{{1,3}}{_KEY})?\s{{0,3}}/?>",
        rf"<(?:/?(?:{_NAME}{_ATTRIBUTES}{_HELD_ATTRIBUTE}\s{{0,3}}/?)?)?",
    ),
    _rule(
        Mark.ENTITY,
        "&",
        r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,30});",
        r"&(?:#(?:\d{0,7}|x[\da-f]{0,6})|[a-z][a-z\d]{0,30})?",
    ),
    _rule(Mark.RULE, "-=", r"([-=])\1{2,99}+(?=.)", r"([-=])\1{0,99}"),
    _rule(Mark.HASH, "#", r"#{1,64}+(?=.)", r"#{1,64}"),
    _rule(
        Mark.URL,
        "hw",
        rf"(?:https?://|www\.){_URL_SIGN}{{1,1000}}+(?=.)",
        rf"{_beginnings('https://')}|{_beginnings('http://')}|{_beginnings('www.')}"
        rf"|(?:https?://|www\.){_URL_SIGN}{{0,1000}}",
        _WORDS,
    ),
)


def _by_first() -> dict[str, tuple[MarkRule, ...]]:
    firsts = {sign for rule in _RULES for sign in rule.first + rule.first.upper()}
    return {
        sign: tuple(rule for rule in _RULES if sign in rule.first + rule.first.upper())
        for sign in firsts
    }


RULES_BY_FIRST: Final[Mapping[str, tuple[MarkRule, ...]]] = MappingProxyType(_by_first())
"""The rules by the character that a mark begins with, in the order in which they are tried."""
