"""Splits text into the pieces that a voice speaks one after the other.

A piece is a sentence, found by sentencex, which knows about 300 languages
(docs/decisions/0016-sentences-by-sentencex.md). Long sentences are split at clauses, the first one
of a text earlier than the others, because playback starts when the first piece is ready.
"""

import re
import unicodedata
from collections.abc import Iterator

import sentencex

FIRST_PIECE_CHARS = 80
"""A longer first sentence is split at a clause: about 5 s of speech."""
PIECE_CHARS = 200
"""A longer later sentence is split at a clause: about 12 s of speech."""
CLAUSE_CHARS = 20
"""Minimum length of a clause: shorter ones would have the intonation of a list."""
HARD_CHARS = 400
"""Text without clauses is split at a blank here, to bound the time of one synthesis."""

_NEVER_LAST = frozenset("dr mr mrs ms prof gen lt sgt rev hon mt e.g i.e cf vs approx".split())
"""English abbreviations that are always followed by another word."""

CLAUSE_END = re.compile(r"""[,;:،؛]["'”’)\]]*(?=\s)|[，、；：]|\s[—–-](?=\s)""")
"""The end of a clause within a sentence, with closing marks and without the blank that follows."""
_OPENING = "\"'“‘(["


def pieces(text: str, language: str = "en") -> Iterator[str]:
    """Split `text` into pieces to synthesize.

    Args:
        text: any text.
        language: ISO 639 code, such as "en"; an unknown one gets sentencex's fallback.

    Returns:
        The pieces in order, stripped, not empty, each with at least one letter, digit or spoken
        sign. Without white space they concatenate to `text`, except that leading punctuation of a
        text without words is dropped.
    """
    first = True
    held = ""
    for sentence in sentences(text, language):
        sentence = f"{held} {sentence}" if held else sentence
        held = ""
        if not is_spoken(sentence):
            held = sentence
            continue
        for piece in _clauses(sentence, FIRST_PIECE_CHARS if first else PIECE_CHARS):
            yield piece
            first = False


def is_mark(token: str) -> bool:
    """Whether `token` (text without white space) is punctuation that is not spoken."""
    return not any(sign.isalnum() or sign in "&@%#$€£+=*/" for sign in token)


def is_title(token: str) -> bool:
    """Whether the full stop of `token` belongs to an abbreviation that is never a last word."""
    return token.endswith(".") and token[:-1].lstrip(_OPENING).lower() in _NEVER_LAST


def is_spoken(text: str) -> bool:
    """Whether `text` has at least one letter, digit or spoken sign."""
    return not is_mark("".join(text.split()))


def sentences(text: str, language: str) -> Iterator[str]:
    """Split `text` into sentences, of any length, stripped and not empty.

    Args:
        text: any text; each paragraph ends a sentence.
        language: as for `pieces`.
    """
    unfinished = ""
    for part in sentencex.segment(language, text):
        if not part.strip():  # between paragraphs
            if unfinished:
                yield unfinished.strip()
            unfinished = ""
            continue
        unfinished += part
        if not _goes_on(unfinished.strip()):
            yield unfinished.strip()
            unfinished = ""
    if unfinished:
        yield unfinished.strip()


def _goes_on(sentence: str) -> bool:
    """Whether `sentence` ends in a full stop that is not its end: "1.", "M.", "see, e.g."."""
    *before, last = sentence.split()
    stem = last.removesuffix(".")
    if stem == last:
        return False
    # A combining sign is no letter of its own: "डॉ." (Dr.) has one.
    letters = [sign for sign in stem if not unicodedata.category(sign).startswith("M")]
    alone = not before and (stem.isdecimal() or (len(letters) == 1 and letters[0].isalpha()))
    return alone or is_title(last)


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
    """Where to split: after the last clause within the limit, else after the first one beyond it,
    else at `HARD_CHARS`; None if the sentence can stay whole."""
    ends = [
        clause.end()
        for clause in CLAUSE_END.finditer(sentence)
        if clause.end() >= CLAUSE_CHARS
        and len(sentence) - clause.end() >= CLAUSE_CHARS
        and is_spoken(sentence[: clause.end()])
        and is_spoken(sentence[clause.end() :])
    ]
    cut = max((end for end in ends if end <= limit_chars), default=min(ends, default=len(sentence)))
    if cut <= HARD_CHARS and cut < len(sentence):
        return cut
    if len(sentence) <= HARD_CHARS:
        return None
    blank = sentence.rfind(" ", CLAUSE_CHARS, HARD_CHARS)
    return blank if blank > 0 else HARD_CHARS
