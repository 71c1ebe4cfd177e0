"""Who said what, when, and what of it was heard."""

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

MAX_LINES: Final = 1000
"""Of one call; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of one side."""

    at_ms: int
    """When it ended, from the start of the call."""
    speaker: Literal["bot", "caller"]
    heard: str
    unheard: str = ""
    """What the bot was cut off from saying."""
    cut: bool = False
    """The caller interrupted: `at_ms` is when the bot fell silent."""


class Transcript:
    """The turns of one call, in order."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque(maxlen=MAX_LINES)

    def bot(self, at_ms: int, heard: str, unheard: str = "", *, cut: bool = False) -> None:
        """The bot's turn ended, or was cut."""
        if heard or unheard:
            self.lines.append(Line(at_ms, "bot", heard, unheard, cut))

    def caller(self, at_ms: int, text: str) -> None:
        """The caller's turn was recognized."""
        if text:
            self.lines.append(Line(at_ms, "caller", text))
