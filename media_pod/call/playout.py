"""What is being said: a queue of speech that knows to the sample what has left.

Nothing is queued anywhere behind it: each tick takes exactly one frame, and that frame is on the
wire in the same tick. So the queue's position is what was played, what the dialogue is told about
an interruption is true to the word, and emptying the queue is all that it takes to fall silent.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from media_pod.agents.ports import Pcm, Speech, Word

ROOM_MS: Final = 4000
"""Speech is made until this much is queued: enough to bridge a slow sentence, little enough to
waste when the caller interrupts. One more piece may come on top of it."""
MAX_HEARD_WORDS: Final = 20_000
"""Of one turn, for a script that repeats itself for ever: two hours of speech; the oldest go."""


@dataclass(frozen=True, slots=True)
class Said:
    """How far the bot's turn has come, in words that were heard and words that were not."""

    heard: str
    unheard: str
    heard_ms: int
    """Speech that was played, pauses not counted."""


@dataclass(slots=True)
class _Piece:
    pcm: Pcm
    words: deque[Word]
    is_speech: bool


class Playout:
    """The bot's side of one call."""

    def __init__(self, rate_hz: int, frame_samples: int) -> None:
        self._rate_hz = rate_hz
        self._frame = frame_samples
        self._silence = np.zeros(frame_samples, np.int16)
        self._pieces: deque[_Piece] = deque()
        self._position = 0
        self._queued = 0
        self._speech_samples = 0
        self._heard: deque[str] = deque(maxlen=MAX_HEARD_WORDS)
        self._announced: deque[str] = deque()

    def begin(self) -> None:
        """A new turn of the bot begins: what was heard is counted from here."""
        self._pieces.clear()
        self._position = self._queued = self._speech_samples = 0
        self._heard.clear()
        self._announced.clear()

    def announce(self, text: str) -> None:
        """`text` will be said next, though its speech is not here yet: all of it is queued now, or
        was left out by the voice, of what was announced before."""
        self._announced = deque(text.split())

    def announced(self) -> None:
        """All speech of what was announced is queued."""
        self._announced.clear()

    def add(self, speech: Speech) -> None:
        """Queue speech; its words are the next of those announced."""
        for _ in speech.text.split()[: len(self._announced)]:
            self._announced.popleft()
        self._append(_Piece(speech.pcm, deque(speech.words), is_speech=True))

    def pause(self, duration_ms: int) -> None:
        """Queue silence that belongs to the turn."""
        samples = self._rate_hz * duration_ms // 1000
        self._append(_Piece(np.zeros(samples, np.int16), deque(), is_speech=False))

    def _append(self, piece: _Piece) -> None:
        if piece.pcm.size:
            self._pieces.append(piece)
            self._queued += piece.pcm.size

    @property
    def empty(self) -> bool:
        """Nothing is left to play."""
        return not self._pieces

    @property
    def has_room(self) -> bool:
        """Less than `ROOM_MS` is queued."""
        return self._queued < ROOM_MS * self._rate_hz // 1000

    def take(self) -> Pcm:
        """The next frame, int16 [frame]: silence where there is nothing to say."""
        if not self._pieces:
            return self._silence

        frame = np.zeros(self._frame, np.int16)
        filled = 0
        while self._pieces and filled < self._frame:
            piece = self._pieces[0]
            end = min(piece.pcm.size, self._position + self._frame - filled)
            count = end - self._position
            frame[filled : filled + count] = piece.pcm[self._position : end]
            filled += count
            self._advance(piece, end)
        return frame

    def _advance(self, piece: _Piece, end: int) -> None:
        count = end - self._position
        self._queued -= count
        self._speech_samples += count if piece.is_speech else 0
        self._position = end
        while piece.words and piece.words[0].end_sample <= end:
            self._heard.append(piece.words.popleft().text)
        if end == piece.pcm.size:
            self._pieces.popleft()
            self._position = 0

    def said(self) -> Said:
        """How far the turn has come. A word that was cut counts as not heard."""
        queued = [word.text for piece in self._pieces for word in piece.words]
        return Said(
            heard=" ".join(self._heard),
            unheard=" ".join([*queued, *self._announced]),
            heard_ms=self._speech_samples * 1000 // self._rate_hz,
        )

    def stop(self) -> Said:
        """Fall silent: the next frame is silence already. Returns how far the turn had come."""
        said = self.said()
        self.begin()
        return said
