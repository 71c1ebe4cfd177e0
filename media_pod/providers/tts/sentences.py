"""Text cut into the pieces that a voice speaks one after the other.

A piece is a sentence. A long sentence is cut at its clauses, the first of a text earlier than the
rest, because nobody hears anything until the first piece is there. Written for English.
"""

import re
from collections.abc import Iterator

FIRST_PIECE_CHARS = 80
"""A first sentence longer than this is cut at a clause: about 5 s of speech."""
PIECE_CHARS = 200
"""Later sentences longer than this are cut at a clause: about 12 s of speech."""
CLAUSE_CHARS = 20
"""A clause shorter than this is not cut off: its intonation would sound like a list's."""
HARD_CHARS = 400
"""What has no clauses is cut at a blank here, so that no text takes the voice for long."""

_NEVER_LAST = frozenset("dr mr mrs ms prof gen lt sgt rev hon mt e.g i.e cf vs approx".split())
"""Abbreviations that always have something after them."""
_SOMETIMES_LAST = frozenset(
    "st no nr fig etc inc ltd co jr sr ave rd blvd a.m p.m u.s u.k dept est ext".split()
)
"""Abbreviations that end a sentence only if the next word is a capitalised one."""
_BEFORE_A_NUMBER = frozenset({"no", "nr", "fig", "ext"})

_STOP = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s|$)|\n\s*\n""")
_CLAUSE = re.compile(r"""[,;:]["'”’)\]]*(?=\s)|\s[—–-](?=\s)""")
_OPENING = "\"'“‘(["


def pieces(text: str) -> Iterator[str]:
    """Cut `text` into what is spoken in one go.

    Returns:
        The pieces in order, stripped, none empty, each with at least one letter, digit or spoken
        sign; without white space their characters are those of `text`, except that marks before the
        first word of a text that has none are dropped.
    """
    first = True
    held = ""
    for sentence in _sentences(text):
        sentence = f"{held} {sentence}" if held else sentence
        held = ""
        if not _is_spoken(sentence):
            held = sentence
            continue
        for piece in _clauses(sentence, FIRST_PIECE_CHARS if first else PIECE_CHARS):
            yield piece
            first = False


def is_mark(token: str) -> bool:
    """Whether `token` (text without white space) is punctuation that no voice speaks."""
    return not any(sign.isalnum() or sign in "&@%#$€£+=*/" for sign in token)


def is_title(token: str) -> bool:
    """Whether the full stop of `token` belongs to an abbreviation that is never a last word."""
    return token.endswith(".") and token[:-1].lstrip(_OPENING).lower() in _NEVER_LAST


def _is_spoken(text: str) -> bool:
    return not is_mark("".join(text.split()))


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for stop in _STOP.finditer(text):
        if stop.group().isspace() or _is_end(text, start, stop):
            if sentence := text[start : stop.end()].strip():
                yield sentence
            start = stop.end()
    if sentence := text[start:].strip():
        yield sentence


def _is_end(text: str, start: int, stop: re.Match[str]) -> bool:
    if not stop.group().startswith(".") or stop.group().startswith(".."):
        return True
    before = text[start : stop.start()].split()
    if not before:
        return True
    word = before[-1].lstrip(_OPENING).lower()
    following = text[stop.end() :].lstrip().lstrip(_OPENING)
    if word in _NEVER_LAST:
        return False
    # "1. Open the box": the number of an item, not a sentence of its own.
    if len(before) == 1 and word.isdigit() and following:
        return False
    if word in _BEFORE_A_NUMBER and following[:1].isdigit():
        return False
    if word in _SOMETIMES_LAST or (len(word) == 1 and word.isalpha()):
        return not following or (following[0].isupper() and len(word) > 1 and word != "st")
    return True


def _clauses(sentence: str, limit_chars: int) -> Iterator[str]:
    while len(sentence) > limit_chars:
        cut = _cut(sentence, limit_chars)
        if cut is None:
            break
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
        limit_chars = PIECE_CHARS
    yield sentence


def _cut(sentence: str, limit_chars: int) -> int | None:
    """The last clause's end within the limit, else the first one after it, else a hard cut."""
    ends = [
        clause.end()
        for clause in _CLAUSE.finditer(sentence)
        if clause.end() >= CLAUSE_CHARS
        and len(sentence) - clause.end() >= CLAUSE_CHARS
        and _is_spoken(sentence[: clause.end()])
        and _is_spoken(sentence[clause.end() :])
    ]
    cut = max((end for end in ends if end <= limit_chars), default=min(ends, default=len(sentence)))
    if cut <= HARD_CHARS and cut < len(sentence):
        return cut
    if len(sentence) <= HARD_CHARS:
        return None
    blank = sentence.rfind(" ", CLAUSE_CHARS, HARD_CHARS)
    return blank if blank > 0 else HARD_CHARS
