"""Which words a scripted caller said in which part of the call, for a recognizer that knows them.

Rules
-----
- A turn's transcript has the words that ended since the last answered turn.
- A turn is answered when the bot makes a sound after its transcript. If the caller goes on before
  that, the next transcript repeats the words, because the agent sends the whole turn again.
- The first transcript since then has the words of its own audio alone: what was said before, over a
  protected greeting for example, is not in it.
"""

from dataclasses import dataclass
from typing import Final

SLACK_S: Final = 0.3
"""The line and the pod's own buffers delay the audio by so much at most."""


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word; its end is in seconds of the call."""

    text: str
    end_s: float


class CallerWords:
    """The words of one caller."""

    def __init__(self) -> None:
        self._words: list[TimedWord] = []
        self._answered = 0
        """Words of answered turns."""
        self._transcribed: int | None = None
        """Words up to the latest transcript, until it is answered."""
        self.now_s = 0.0
        """Time of the call."""

    def say(self, text: str, end_s: float) -> None:
        """The caller says a word that ends, or will have ended, at `end_s`; in order of time."""
        self._words.append(TimedWord(text, end_s))

    def bot_speaks(self) -> None:
        """There is sound of the bot on the line."""
        if self._transcribed is not None:
            self._answered, self._transcribed = self._transcribed, None

    def so_far(self, audio_s: float) -> str:
        """The words in the last `audio_s` of the turn that is open."""
        return " ".join(word.text for word in self._said(audio_s))

    def transcript(self, audio_s: float) -> str:
        """As `so_far`, at the end of the turn."""
        words = self._said(audio_s)
        self._transcribed = sum(word.end_s <= self.now_s for word in self._words)
        return " ".join(word.text for word in words)

    def _said(self, audio_s: float) -> list[TimedWord]:
        repeats = self._transcribed is not None
        since_s = 0.0 if repeats else self.now_s - audio_s - SLACK_S
        return [w for w in self._words[self._answered :] if since_s < w.end_s <= self.now_s]
