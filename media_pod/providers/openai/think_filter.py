"""Removes a model's reasoning from its text."""

import re
from typing import Final

_TAGS: Final = ("<think>", "</think>")
_TAG: Final = re.compile("|".join(_TAGS))


class ThinkFilter:
    """Drops `<think>...</think>` from a text that comes in pieces, cut anywhere.

    Servers without a parser for reasoning leave it in the content. A tag without its counterpart is
    dropped too; what follows an opening tag is reasoning up to the end.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False

    def feed(self, piece: str) -> str:
        """Add the next piece; returns what can be spoken now, all but 7 characters at most."""
        text, spoken, start = self._held + piece, [], 0
        for tag in _TAG.finditer(text):
            if not self._thinking:
                spoken.append(text[start : tag.start()])
            self._thinking = tag[0] == _TAGS[0]
            start = tag.end()
        end = max(start, _partial_tag(text))
        if not self._thinking:
            spoken.append(text[start:end])
        self._held = text[end:]
        return "".join(spoken)

    def finish(self) -> str:
        """The text is complete; returns what was held back."""
        held, self._held = self._held, ""
        return "" if self._thinking else held


def _partial_tag(text: str) -> int:
    """Where the beginning of a tag at the end of `text` starts; its length if there is none."""
    start = text.rfind("<")
    open_ended = start >= 0 and any(
        tag != text[start:] and tag.startswith(text[start:]) for tag in _TAGS
    )
    return start if open_ended else len(text)
