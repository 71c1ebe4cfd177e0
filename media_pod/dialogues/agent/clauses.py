"""Settled text of a reply, cut into clauses that a voice can begin to speak early.

The first clause is short, because the caller waits for it; the later ones are sentences, because a
voice gives a whole sentence its intonation. Sentences are those of `providers.tts.sentences`.
"""

import re
from typing import Final

from media_pod.providers.tts.sentences import (
    CLAUSE_END,
    PIECE_CHARS,
    is_spoken,
    is_title,
    sentences,
)

FIRST_CLAUSE_WORDS: Final = 3
FIRST_CLAUSE_LETTERS: Final = 12
"""The first clause has so many words, or so many letters: about 1 s of speech, in which the next
clause is synthesized."""
LOOKAHEAD_CHARS: Final = 40
"""What follows a full stop decides within this many characters whether it ends a sentence."""

_BLANKS: Final = re.compile(r"\s+")
_CLOSING: Final = r"[\"'”’»)\]」』”）]*+"
_ENDS: Final = re.compile(
    rf"(?P<hard>[。！？｡]++{_CLOSING}(?=.))"
    rf"|(?P<stop>[.!?…।؟۔]++{_CLOSING}(?=\s))"
    rf"|(?P<clause>{CLAUSE_END.pattern})",
    re.DOTALL,
)
_NEXT_SIGN: Final = re.compile(r"\s[^\w\s]{0,8}\s?(\w)")
_NEXT_WORD: Final = re.compile(r"\s[^\w\s]{0,8}\s?(\w+)(?=\W)")
_NUMBER_STOP: Final = re.compile(r"\d\.$")
_ANSWER_NO: Final = re.compile(r"\bno\.$", re.IGNORECASE)
_ANY_WORD: Final = "And"
"""Stands for the next word where none has come: with a capital letter, as a sentence begins."""


class ClauseCutter:
    """Cuts one reply.

    Rules, in the order of the text:

    - 。！？ end a clause once another character has come.
    - A sentence ends a clause. Whether a stop ends a sentence is judged with the sign that follows
      its blank; after a number ("3. Mai") with the whole next word.
    - A comma, semicolon, colon or dash ends the first clause if that has `FIRST_CLAUSE_WORDS` words
      or `FIRST_CLAUSE_LETTERS` letters.
    - A clause of more than `PIECE_CHARS` characters is cut at its last clause end in its second
      half, else at its last blank.

    Every decision depends on the text alone, not on how it was split, and is made once for a place
    in the text: the cost is proportional to the length of the reply. At most `PIECE_CHARS` +
    `LOOKAHEAD_CHARS` characters and one piece of text are held.

    Args:
        language: BCP 47 tag, such as "de" or "de-AT".
    """

    def __init__(self, language: str) -> None:
        # sentencex knows languages by their primary subtag and takes others for English
        self._language = language.split("-")[0].lower()
        self._rest = ""
        self._judged = 0
        """No clause ends before this index of `_rest`."""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Add settled text; return the clauses that are complete by now."""
        self._rest = _BLANKS.sub(" ", self._rest + text)
        return self._cut(final=False)

    def flush(self) -> list[str]:
        """Return what is complete if nothing follows for a while: up to the last end of a sentence
        or clause. Words after it, and a number or an abbreviation at the very end, stay."""
        text = self._rest.rstrip() + " "
        for found in reversed(list(_ENDS.finditer(text))):
            at_the_end = found.end() == len(text) - 1
            if at_the_end and text[: found.start()][-1:].isdigit() and not found["hard"]:
                continue
            ends = self._ends_clause if found["clause"] else self._ends_sentence
            if ends(text, found, True):
                return self._cut_at(found.end())
        return []

    def finish(self) -> list[str]:
        """The text is whole: return the rest. Punctuation without words is left out."""
        clauses = self._cut(final=True)
        return clauses + self._cut_at(len(self._rest))

    def _cut(self, *, final: bool) -> list[str]:
        clauses: list[str] = []
        while (end := self._next_end(final)) is not None:
            clauses += self._cut_at(end)
        return clauses

    def _cut_at(self, end: int) -> list[str]:
        clause = self._rest[:end].strip()
        self._rest = self._rest[end:].lstrip()
        self._judged = 0
        if not is_spoken(clause):
            return []
        self._first = False
        return [clause]

    def _next_end(self, final: bool) -> int | None:
        """Where the next clause ends; None if that is not decided yet."""
        for found in _ENDS.finditer(self._rest, self._judged):
            if found.end() > PIECE_CHARS:
                break
            if found["clause"]:
                ends = self._ends_clause(self._rest, found, final) if self._first else False
            else:
                ends = self._ends_sentence(self._rest, found, final)
            if ends is None:
                return None
            if ends:
                return found.end()
            self._judged = found.end()
        if len(self._rest) > PIECE_CHARS:
            return self._longest()
        return None

    def _ends_clause(self, text: str, found: re.Match[str], final: bool) -> bool | None:
        """Whether a first clause ends there; None if that depends on text that has not come."""
        before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
        letters = sum(map(str.isalpha, before))
        if letters < FIRST_CLAUSE_LETTERS and len(before.split()) < FIRST_CLAUSE_WORDS:
            return False
        if found[0][0] != " " or not before[-1].isdigit():
            return True
        if not after and not final:
            return None
        return not after[:1].isdigit()  # "5 - 3"

    def _ends_sentence(self, text: str, found: re.Match[str], final: bool) -> bool | None:
        """Whether a sentence ends there; None if that depends on text that has not come."""
        head, tail = text[: found.end()], text[found.end() :]
        if not is_spoken(head):
            return False
        if found["hard"]:
            return True
        pattern = _NEXT_WORD if _NUMBER_STOP.search(head) else _NEXT_SIGN
        following = pattern.match(tail[:LOOKAHEAD_CHARS])
        if following is None and not final and len(tail) < LOOKAHEAD_CHARS:
            return None
        word = following[1] if following else _ANY_WORD
        if _ANSWER_NO.search(head) and not word[0].isdigit():
            return True  # to sentencex it is always the abbreviation of "number"
        *_, last = sentences(f"{head} {word}", self._language)
        return last == word

    def _longest(self) -> int:
        """The last good place within `PIECE_CHARS` to cut a sentence that is longer."""
        text = self._rest[: PIECE_CHARS + 1]
        clauses = [found.end() for found in CLAUSE_END.finditer(text, PIECE_CHARS // 2)]
        if clauses:
            return clauses[-1]
        blanks = [found.start() for found in _BLANKS.finditer(text, 1)]
        loose = [at for at in blanks if text[at - 1] != "." or not is_title(text[:at].split()[-1])]
        return max(loose or blanks, default=PIECE_CHARS)
