"""What the bot says in a turn, where in its audio, and what of it the context has been told.

A voice reports a text behind its audio, before it, or word by word. A text therefore covers the
audio since the one before; if there is none yet, it stays open until the next text or the end of
the speech. Needs the standard library alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from media_pod.dialogues.heard_letters import letters_of


@dataclass(slots=True)
class TurnText:
    """A text of the bot, in samples from the start of its turn."""

    text: str
    start: int
    end: int


class TurnTexts:
    """The texts of one turn of the bot at a time.

    Args:
        report: takes a text, with its number in the turn, whenever its place is known better.
    """

    def __init__(self, report: Callable[[int, TurnText], None]) -> None:
        self._report = report
        self._texts: list[TurnText] = []
        self._marked = 0
        """Where the last text that is not open ends."""
        self._open = False
        self._told = 0
        """Characters without white space that the context has."""
        self.arrived = 0
        """Samples of the turn's audio that have come from the voice."""

    def add(self, text: str) -> None:
        """A text has come."""
        if self._open and self.arrived == self._marked:
            before = self._texts[-1]
            before.text = f"{before.text} {text}"
        else:
            self.close()
            self._texts.append(TurnText(text, self._marked, self.arrived))
        self._open = self.arrived == self._marked
        self._marked = self.arrived
        self._report(len(self._texts) - 1, self._texts[-1])

    def close(self) -> None:
        """What has come of the audio belongs to the texts that have come."""
        if self._open and self.arrived > self._marked:
            self._texts[-1].end = self._marked = self.arrived
            self._open = False
            self._report(len(self._texts) - 1, self._texts[-1])

    def played(self, samples: int) -> str:
        """Text that ends within the first `samples` and has not been told: it is told now."""
        return self._tell(" ".join(each.text for each in self._texts if each.end <= samples))

    def heard(self, heard: str) -> str:
        """What of the `heard` words has not been told: it is told now."""
        return self._tell(heard)

    def begin(self) -> None:
        """A new turn."""
        self._texts.clear()
        self._marked = self._told = self.arrived = 0
        self._open = False

    def _tell(self, text: str) -> str:
        rest = _after(text, self._told)
        self._told += letters_of(rest)
        return rest


def _after(text: str, letters: int) -> str:
    """The rest of `text` after so many characters, white space not counted."""
    for index, sign in enumerate(text):
        if not letters:
            return text[index:].strip()
        letters -= not sign.isspace()
    return ""
