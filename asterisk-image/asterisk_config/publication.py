"""How far Asterisk has the published dialplan.

State machine; `Publication` knows no clock, no files and no processes:

    state    event                          then     to do
    READ     look, the text is another      ASKED    write it before; reload
    ASKED    the reload ended with 0        READ     or DUE, if the text is another by now
    ASKED    the reload ended otherwise     DUE      nobody listened: Asterisk starts, or stops
    ASKED    look, `REPLY_S` later          ASKED    kill the reload
    DUE      look                           ASKED    reload
"""

from enum import Enum
from typing import Final

REPLY_S: Final = 10.0
"""How long a reload may take, in seconds; thousands of lines take a fraction of one."""


class Do(Enum):
    """What has to be done about a reload."""

    RELOAD = "reload"
    KILL = "kill"


class Publication:
    """From one text to the next.

    Args:
        text: what Asterisk starts with.
    """

    def __init__(self, text: str) -> None:
        self._written = text
        self._read = text
        self._asked: str | None = None
        self._asked_s = 0.0

    @property
    def written(self) -> str:
        """What is in the file that Asterisk reads."""
        return self._written

    def wrote(self, text: str) -> None:
        """The file has another text."""
        self._written = text

    def look(self, now_s: float) -> Do | None:
        """What is due."""
        if self._asked is not None:
            return Do.KILL if now_s - self._asked_s >= REPLY_S else None
        if self._written == self._read:
            return None
        self._asked, self._asked_s = self._written, now_s
        return Do.RELOAD

    def ended(self, code: int) -> None:
        """The reload is over, with this exit code."""
        if code == 0 and self._asked is not None:
            self._read = self._asked
        self._asked = None
