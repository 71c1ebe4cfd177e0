"""The readable text of an HTML page, as far as a model needs it, in steps that do not block."""

import asyncio
import re
from html.parser import HTMLParser
from typing import Final

_STEP_CHARACTERS: Final = 2048
"""Parsed between two turns of the event loop; measured, below a millisecond."""
_SKIPPED: Final = frozenset({"script", "style", "noscript", "template", "svg"})
_BLOCKS: Final = frozenset(
    "address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6"
    " header hr li main nav ol p pre section table td th title tr ul".split()
)


async def html_text(page: str, limit: int) -> str:
    """The text of `page`, its title included, one block per line: the whole, or the beginning with
    somewhat more than `limit` characters."""
    reader = _Reader()
    try:
        for start in range(0, len(page), _STEP_CHARACTERS):
            reader.feed(page[start : start + _STEP_CHARACTERS])
            if reader.length > limit:
                break
            await asyncio.sleep(0)
        else:
            reader.close()
    except AssertionError:
        # Of html.parser, at "<![" and something unknown: the text before it is there.
        reader.pieces.append("…")
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.length = 0
        self._skipping = ""
        """The element whose text is not for readers; "" outside."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._skipping and tag in _SKIPPED:
            self._skipping = tag
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipping:
            self._skipping = ""
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            text = re.sub(r"\s+", " ", data)
            self.pieces.append(text)
            self.length += len(text.strip())
