"""The pieces of a text that is spoken, joined with what separates them."""

import unicodedata
from enum import IntEnum
from typing import Final

_CLOSING: Final = "\"'”’»)]}"
_PUNCTUATION: Final = ".,;:!?…。，、；：！？।؟،-–—"
_NO_BLANK_BEFORE: Final = ".,;:!?…)"


class Gap(IntEnum):
    """What separates the next word from the one before; of several, the strongest counts."""

    NONE = 0
    BLANK = 1
    COMMA = 2
    STOP = 3


class JoinedText:
    """Joins what is spoken, with one gap between any two pieces and none at the ends."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._last = ""
        self._gap = Gap.NONE
        self._left_out = False
        """Something was left out since the last piece."""

    @property
    def last(self) -> str:
        """The last character that is no closing quotation mark or bracket; "" at the start."""
        return self._last

    def separate(self, gap: Gap) -> None:
        """The next piece is separated by at least `gap`."""
        self._gap = max(self._gap, gap)

    def leave_out(self, gap: Gap) -> None:
        """Something between two pieces is not spoken; punctuation closes up to the piece before."""
        self._left_out = True
        self.separate(gap)

    def speak(self, text: str) -> None:
        """Add a piece, which is not empty and does not begin or end with white space."""
        if self._last and self._gap:
            self._pieces.append(self._gap_before(text))
        self._pieces.append(text)
        self._gap = Gap.NONE
        self._left_out = False
        if text[-1] not in _CLOSING or not self._last:
            self._last = text[-1]

    def take(self) -> str:
        """What was joined since the last call."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _gap_before(self, text: str) -> str:
        if self._gap is not Gap.BLANK and self._last not in _PUNCTUATION:
            wide = unicodedata.east_asian_width(self._last) == "W"
            if self._gap is Gap.STOP:
                return "。" if wide else ". "
            return "，" if wide else ", "
        return "" if self._left_out and text[0] in _NO_BLANK_BEFORE else " "
