"""The bot's queue of speech, which counts to the sample what has been played.

On a line without a queue of its own (AudioSocket) a frame is played in the tick in which it is
sent: it counts as heard with `sent`. On a line with a queue (WebSocket) it is played later: it
counts as heard once `take` receives its number in `frames_played`, and never if the line was
flushed before. A frame that the line refuses is taken back, and its speech is the next frame's. On
both lines an interruption is reported to the dialogue exact to the word. Without a queue on the
line, emptying this one makes the bot silent; `under_way` says whether the line has something to
flush. The frame after that fades out what would have come, because a sudden end is a click; nobody
counts it as heard.

`duck` lowers what leaves. Speech that was ducked counts as heard.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from media_pod.call.duck_gain import DuckGain
from media_pod.providers.ports import Pcm, Speech, Word
from media_pod.providers.tts.spoken_words import joined

ROOM_MS: Final = 4000
"""Speech is made until this much is queued: enough to bridge a slow sentence, little enough to
waste when the caller interrupts. One more piece may come on top of it."""
FADE_MS: Final = 10
"""Of a stop: half a raised cosine, three periods of the telephone's lowest tone. Half a frame, so
that the bot is silent within the one after the stop."""
MAX_HEARD_WORDS: Final = 20_000
"""Of one turn, for a script that repeats itself for ever: two hours of speech; the oldest go."""


@dataclass(frozen=True, slots=True)
class Said:
    """How far the bot's turn has come, in words that were heard and words that were not."""

    heard: str
    unheard: str
    heard_ms: int
    """Speech that was played, pauses not counted."""
    item_samples: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Samples that were played of each item that `Playout.add` named."""


@dataclass(slots=True, eq=False)
class _Text:
    """A text of which speech is queued."""

    words: tuple[Word, ...]
    """Counted in samples from its start, by the latest estimate."""
    item: str = ""
    left_samples: int = 0
    """Of its speech, queued or under way."""
    played_samples: int = 0

    @property
    def heard_words(self) -> int:
        """How many of its words have been played to their end."""
        words = enumerate(self.words)
        unheard = (n for n, word in words if word.end_sample > self.played_samples)
        return next(unheard, len(self.words))


@dataclass(slots=True)
class _Piece:
    pcm: Pcm
    text: _Text | None
    """None for a pause."""


class _Share(NamedTuple):
    """What one frame has of the turn."""

    number: int
    """Of the frame, of all that were taken."""
    speech: tuple[tuple[_Text, int], ...]
    """Samples of each text."""
    pcm: Pcm


@dataclass(slots=True)
class _Taken:
    """What the frame taken last has of the queue, until the line has accepted or refused it."""

    position: int
    """In the first of its pieces, in samples."""
    duck_position: int
    """Of the gain, before this frame."""
    played_as_sent: bool
    pieces: list[_Piece] = field(default_factory=list)
    samples: int = 0


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
        self._item_samples: dict[str, int] = {}
        """That were played."""
        self._heard: deque[str] = deque(maxlen=MAX_HEARD_WORDS)
        self._texts: deque[_Text] = deque()
        """The one that is played, those after it, and the latest, whose speech may go on."""
        self._announced: deque[str] = deque()
        """Of each announced text, what no queued speech has."""
        self.held = False
        """What is queued waits: nothing of it leaves."""
        self.duck = DuckGain(rate_hz)
        """Of what leaves; pauses and silence pass the time of its ramps, too."""
        self._taken = 0
        self._last: _Taken | None = None
        self._under_way: deque[_Share] = deque()
        """Taken and not played, if there is anything in them."""
        samples = rate_hz * FADE_MS // 1000
        self._fade = (1 + np.cos(np.pi * (np.arange(samples) + 0.5) / samples)) / 2
        self._fading: Pcm | None = None
        """The next frame, after a stop."""

    def begin(self) -> None:
        """A new turn of the bot begins: what was heard is counted from here."""
        self.held = False
        self._pieces.clear()
        self._position = self._queued = self._speech_samples = 0
        self._item_samples = {}
        self._heard.clear()
        self._texts.clear()
        self._announced.clear()
        self._under_way.clear()
        self._last = None

    def announce(self, text: str) -> None:
        """`text` will be said after what was announced before, though its speech is not here."""
        self._announced.append(text)

    def announced(self) -> None:
        """All speech of the oldest announced text is queued, or was left out by the voice."""
        if self._announced:
            self._announced.popleft()

    def add(self, speech: Speech, item: str = "") -> None:
        """Queue speech; its words are the next of those announced.

        Args:
            speech: whole, or a part.
            item: by which its samples are counted in `Said`; "" if they are not. Of a part that
                continues, it is that of the first.
        """
        if speech.continues:
            self._texts[-1].words = speech.words
        else:
            self._forget_played()
            self._texts.append(_Text(speech.words, item))
            if self._announced:
                self._announced[0] = _without(self._announced[0], speech.text)
        self._texts[-1].left_samples += speech.pcm.size
        self._append(_Piece(speech.pcm, self._texts[-1]))

    def pause(self, duration_ms: int) -> None:
        """Queue silence that belongs to the turn."""
        samples = self._rate_hz * duration_ms // 1000
        self._append(_Piece(np.zeros(samples, np.int16), None))

    def _append(self, piece: _Piece) -> None:
        if piece.pcm.size:
            self._pieces.append(piece)
            self._queued += piece.pcm.size

    @property
    def empty(self) -> bool:
        """Nothing is left to play, here or on its way."""
        return not self._pieces and not self._under_way

    @property
    def speaking(self) -> bool:
        """Something is left to play, and nothing holds it back."""
        return not self.empty and not self.held

    @property
    def heard_ms(self) -> int:
        """Speech of this turn that was played, without pauses of the line, in ms."""
        return self._speech_samples * 1000 // self._rate_hz

    @property
    def has_room(self) -> bool:
        """Less than `ROOM_MS` is queued."""
        return self._queued < ROOM_MS * self._rate_hz // 1000

    def take(self, frames_played: int | None = None) -> Pcm:
        """The next frame, int16 [frame]: silence where there is nothing to say.

        `sent` follows.

        Args:
            frames_played: of the frames taken before, counted over the whole call;
                None if each is played as it is sent.
        """
        self._taken += 1
        self._last = None
        if frames_played is not None:
            self._played_up_to(frames_played)
        if self._fading is not None:
            frame, self._fading = self._fading, None
            return frame
        if self.held or not self._pieces:
            return self.duck.apply(self._silence)

        frame = np.zeros(self._frame, np.int16)
        last = self._last = _Taken(
            self._position, self.duck.position, played_as_sent=frames_played is None
        )
        filled = 0
        speech: list[tuple[_Text, int]] = []
        while self._pieces and filled < self._frame:
            piece = self._pieces[0]
            end = min(piece.pcm.size, self._position + self._frame - filled)
            count = end - self._position
            frame[filled : filled + count] = piece.pcm[self._position : end]
            filled += count
            if piece.text is not None:
                speech.append((piece.text, count))
            last.pieces.append(piece)
            last.samples += count
            self._advance(piece, end)
        frame = self.duck.apply(frame)
        self._under_way.append(_Share(self._taken, tuple(speech), frame))
        return frame

    def sent(self, *, accepted: bool) -> None:
        """The line took the latest frame, or refused it: its speech is the next frame's then."""
        last, self._last = self._last, None
        if last is None:
            return
        if not accepted:
            self._take_back(last)
        elif last.played_as_sent:
            self._played_up_to(self._taken)

    def _take_back(self, last: _Taken) -> None:
        self._under_way.pop()
        if self._pieces and self._pieces[0] is last.pieces[-1]:
            self._pieces.popleft()
        self._pieces.extendleft(reversed(last.pieces))
        self._position, self.duck.position = last.position, last.duck_position
        self._queued += last.samples

    def _advance(self, piece: _Piece, end: int) -> None:
        self._queued -= end - self._position
        self._position = end
        if end == piece.pcm.size:
            self._pieces.popleft()
            self._position = 0

    def _played_up_to(self, number: int) -> None:
        while self._under_way and self._under_way[0].number <= number:
            for text, samples in self._under_way.popleft().speech:
                text.played_samples += samples
                text.left_samples -= samples
                self._speech_samples += samples
                if text.item:
                    before = self._item_samples.get(text.item, 0)
                    self._item_samples[text.item] = before + samples
        if len(self._texts) > 1:
            latest = self._texts.pop()
            self._forget_played()
            self._texts.append(latest)

    def _forget_played(self) -> None:
        """Keep of texts that are whole and played their words alone."""
        while self._texts and not self._texts[0].left_samples:
            # All of them, also if a voice's last estimate ends a little after its sound.
            self._heard += (word.text for word in self._texts.popleft().words)

    def said(self) -> Said:
        """How far the turn has come. A word that was cut counts as not heard."""
        begun = self._texts[0].heard_words if self._texts else 0
        words = [word.text for text in self._texts for word in text.words]
        heard, unheard = [*self._heard, *words[:begun]], words[begun:]
        return Said(
            heard=joined(heard),
            unheard=joined([*unheard, *" ".join(self._announced).split()]),
            heard_ms=self.heard_ms,
            item_samples=dict(self._item_samples),
        )

    @property
    def under_way(self) -> bool:
        """Something was taken that has not been played: it can still be flushed."""
        return bool(self._under_way)

    def stop(self) -> Said:
        """Fall silent within the next frame. Returns how far the turn had come."""
        said, fading = self.said(), self._faded_out()
        self.begin()
        self._fading = fading
        return said

    def _faded_out(self) -> Pcm | None:
        """The frame in which what is being played ends; None if that is silence."""
        # A line with a queue flushes it: it goes on where that began.
        if self._under_way:
            coming = self._under_way[0].pcm[: self._fade.size]
        else:
            coming = self.duck.apply(self._coming(self._fade.size))
        if self.held or not coming.any():
            return None
        frame = np.zeros(self._frame, np.int16)
        frame[: coming.size] = np.rint(coming * self._fade[: coming.size])
        return frame

    def _coming(self, samples: int) -> Pcm:
        """The next samples of the queue, at most so many."""
        parts, begin = [np.zeros(0, np.int16)], self._position
        for piece in self._pieces:
            parts.append(piece.pcm[begin : begin + samples])
            samples -= parts[-1].size
            begin = 0
            if not samples:
                break
        return np.concatenate(parts)


def _without(text: str, said: str) -> str:
    """The rest of `text` after what `said` has of it.

    Counted in letters and digits: a voice may leave out marks, and not all scripts have blanks
    between words.
    """
    left = sum(sign.isalnum() for sign in said)
    for index, sign in enumerate(text):
        if not left and (sign.isalnum() or sign.isspace()):
            return text[index:]
        left -= sign.isalnum()
    return ""
