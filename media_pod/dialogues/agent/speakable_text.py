"""What a model writes, made into what a voice can speak, while it is written.

Marks of Markdown, HTML and SSML, emoji and control characters are left out or rewritten; words,
numbers, arithmetic and names stay. `markup` recognizes the marks, `SpeakableText` acts on them.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from typing import Final

import emoji

from media_pod.dialogues.agent.joined_text import Gap, JoinedText
from media_pod.dialogues.agent.markup import BULLETS, RULES_BY_FIRST, Mark, MarkRule, Place

_EMOJI: Final = frozenset(
    sign
    for sequence in emoji.EMOJI_DATA
    for sign in sequence
    if sign == "\u20e3" or sign >= "\u2190"
)
"""All characters of emoji, without digits, signs of prose such as ™, and the joiner, which Persian
and Hindi need."""
_JOINERS: Final = "\u200c\u200d"
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_URL_HOST: Final = re.compile(r"(?:https?://)?(?:[^/?#@]*@)?(?:www\.)?([^/?#:]*)", re.IGNORECASE)
_AFTER_URL: Final = re.compile(r"[.,;:!?'*_~]*$")
_OPERAND_ENDS: Final = frozenset(")]%°²³")
_AFTER_KEY: Final = frozenset(".,;:?!")
_BLOCK_TAGS: Final = frozenset("p div li tr h1 h2 h3 h4 h5 h6 ul ol table s".split())
_BREAK_TAGS: Final = frozenset(("br", "break"))


class SpeakableText:
    """The text of one reply, for a voice.

    `feed` holds back no more than what a mark may still be made of. The last white space is held
    back too, so that the result never ends in a blank. Any split of a text into deltas gives the
    same result.

    - Emphasis, headings, bullets, block quotes, code marks and rules lose their marks; numbers of
      list items stay. Headings, list items and rows end in a full stop where they have none.
    - Cells of a table are separated by commas. A link is spoken as its title, a URL as its host
      name. Footnotes and citations such as [1] are left out.
    - White space becomes one blank.
    """

    def __init__(self) -> None:
        self._held = ""
        self._before = "\n"
        """The character before `_held`."""
        self._line_start = True
        self._line_spoken = False
        """Whether anything of this line was spoken."""
        self._block = self._row = False
        """Whether this line is a heading, or a row of a table."""
        self._fence = ""
        """The marks that ended the line before a code block; "" outside of one."""
        self._emphasis_open: set[str] = set()
        self._joined = JoinedText()
        self._actions: dict[Mark, Callable[[re.Match[str]], int]] = {
            Mark.AUTOLINK: self._autolink,
            Mark.BRACKET: self._bracket,
            Mark.BULLET: self._bullet,
            Mark.CELL_RULE: self._leave_out,
            Mark.CITATION: self._leave_out,
            Mark.EMPHASIS: self._emphasis,
            Mark.ENTITY: self._entity,
            Mark.ESCAPE: self._escape,
            Mark.FENCE: self._fence_line,
            Mark.HASH: self._hash,
            Mark.HEADING: self._heading,
            Mark.KEYCAP: self._symbol,
            Mark.LINK_END: self._leave_out,
            Mark.NUMBER: self._number,
            Mark.PIPE: self._pipe,
            Mark.QUOTE: self._quote,
            Mark.RULE: self._draw,
            Mark.SILENT: self._leave_out,
            Mark.TAG: self._tag,
            Mark.URL: self._url,
        }

    def feed(self, delta: str) -> str:
        """Add the next text; return what is settled by now, "" if nothing is."""
        self._held += delta
        return self._settle(final=False)

    def finish(self) -> str:
        """The text is whole: return the rest."""
        self._held += "\n"  # decides each mark that waits for what follows it
        return self._settle(final=True)

    def _settle(self, *, final: bool) -> str:
        at = 0
        while at < len(self._held):
            used = self._take(at, final)
            if not used:
                break
            at += used
            self._before = self._held[at - 1]
        self._held = self._held[at:]
        return self._joined.take()

    def _take(self, at: int, final: bool) -> int:
        """Act on the mark or the character at `at`; return how many characters that used."""
        for rule in RULES_BY_FIRST.get(self._held[at], ()):
            if not self._counts(rule):
                continue
            if found := rule.whole.match(self._held, at):
                return self._actions[rule.mark](found)
            if not final and rule.partial and rule.partial.fullmatch(self._held, at):
                return 0
        return self._plain(at)

    def _counts(self, rule: MarkRule) -> bool:
        if self._fence and rule.mark is not Mark.FENCE:
            return False
        match rule.place:
            case Place.ANY:
                return True
            case Place.BLANK:
                return self._before.isspace()
            case Place.CELL:
                return self._row
            case Place.LINE:
                return self._line_start
            case Place.WORD:
                return not self._before.isalnum()

    def _plain(self, at: int) -> int:
        sign = self._held[at]
        if letters := _LETTERS.match(self._held, at):
            self._speak(letters[0])
            return len(letters[0])
        if sign == "\n":
            self._end_line()
        else:
            self._single(sign, self._before)
        return 1

    def _single(self, sign: str, before: str) -> None:
        if sign.isspace():
            self._joined.separate(Gap.BLANK)
        elif sign in _EMOJI or (sign == "\u200d" and before in _EMOJI):
            self._joined.leave_out(Gap.BLANK)
        elif sign in _JOINERS or not unicodedata.category(sign).startswith("C"):
            self._speak(sign)

    def _speak(self, text: str) -> None:
        self._joined.speak(text)
        self._line_start = False
        self._line_spoken = True

    def _end_line(self) -> None:
        ends_block = self._block or self._row or self._line_start
        self._joined.separate(Gap.STOP if ends_block else Gap.BLANK)
        self._line_start = True
        self._line_spoken = self._block = self._row = False
        self._emphasis_open.clear()

    def _leave_out(self, found: re.Match[str]) -> int:
        self._joined.leave_out(Gap.NONE)
        self._line_start = False
        return len(found[0])

    def _symbol(self, found: re.Match[str]) -> int:
        self._joined.leave_out(Gap.BLANK)
        return len(found[0])

    def _draw(self, found: re.Match[str]) -> int:
        self._joined.separate(Gap.STOP if self._line_start else Gap.BLANK)
        return len(found[0].rstrip("\n"))

    def _fence_line(self, found: re.Match[str]) -> int:
        if not self._fence:
            self._fence = found[1]
        elif found[1].startswith(self._fence) and found[0].strip() == found[1]:
            self._fence = ""
        else:
            return self._plain(found.start())
        self._joined.separate(Gap.STOP)
        return len(found[0])

    def _heading(self, found: re.Match[str]) -> int:
        self._joined.separate(Gap.STOP)
        self._block = True
        return len(found[0])

    def _bullet(self, found: re.Match[str]) -> int:
        if self._line_start:
            self._joined.separate(Gap.STOP)
            self._line_start = False
        elif found[0] in BULLETS and self._line_spoken:
            self._joined.separate(Gap.COMMA)
        return len(found[0])

    def _number(self, found: re.Match[str]) -> int:
        self._joined.separate(Gap.STOP)
        self._speak(found[0])
        return len(found[0])

    def _quote(self, found: re.Match[str]) -> int:
        return len(found[0])

    def _pipe(self, found: re.Match[str]) -> int:
        if self._line_spoken:
            self._joined.separate(Gap.COMMA)
        self._row = True
        self._line_start = False
        return len(found[0])

    def _escape(self, found: re.Match[str]) -> int:
        if found[1]:
            self._speak(found[1])
        return len(found[0])

    def _hash(self, found: re.Match[str]) -> int:
        """Speak a single sign: a number, a name such as C#, or the key of a telephone."""
        if len(found[0]) == 1 and not (self._block and self._before.isspace()):
            self._speak("#")
        else:
            self._joined.leave_out(Gap.BLANK)
        return len(found[0])

    def _bracket(self, found: re.Match[str]) -> int:
        self._joined.leave_out(
            Gap.BLANK if self._before.isalnum() and found[0] == "[" else Gap.NONE
        )
        self._line_start = False
        return len(found[0])

    def _emphasis(self, found: re.Match[str]) -> int:
        """Speak the signs of arithmetic and names, and leave out all others, paired or not."""
        marks = found[0]
        if self._is_operator(marks, self._before, self._held[found.end()]):
            self._speak(marks)
        self._line_start = False
        return len(marks)

    def _is_operator(self, marks: str, before: str, after: str) -> bool:
        if before.isspace() and (after.isspace() or after in _AFTER_KEY):
            # "2 * 3", or "press *."; a line that ends in a blank and a mark has lost its partner
            return marks == "*" and after != "\n" and _ends_operand(self._joined.last)
        if not _ends_operand(before) and not after.isspace():
            self._emphasis_open.add(marks[0])
            return False
        if marks[0] in self._emphasis_open and (len(marks) > 1 or not after.isalnum()):
            self._emphasis_open.discard(marks[0])
            return False
        follows = after.isdigit() or after == "(" if len(marks) > 1 else _begins_operand(after)
        return _ends_operand(before) and follows

    def _entity(self, found: re.Match[str]) -> int:
        for sign in html.unescape(found[0]):
            self._single(sign, "")
        return len(found[0])

    def _tag(self, found: re.Match[str]) -> int:
        name = found[1].lower()
        gap = Gap.STOP if name in _BLOCK_TAGS else Gap.BLANK if name in _BREAK_TAGS else Gap.NONE
        self._joined.leave_out(gap)
        return len(found[0])

    def _autolink(self, found: re.Match[str]) -> int:
        self._speak(found[1] if "://" not in found[1] else _host(found[1]))
        return len(found[0])

    def _url(self, found: re.Match[str]) -> int:
        url = _AFTER_URL.sub("", found[0])
        if "(" not in url:
            url = _AFTER_URL.sub("", url.rstrip(")"))
        self._speak(_host(url))
        return len(url)


def _ends_operand(sign: str) -> bool:
    return sign.isalnum() or sign in _OPERAND_ENDS


def _begins_operand(sign: str) -> bool:
    return sign.isalnum() or sign in "(-"


def _host(url: str) -> str:
    found = _URL_HOST.match(url)
    assert found is not None, "every part of the pattern is optional"
    return found[1] or url
