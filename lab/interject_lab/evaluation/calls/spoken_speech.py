"""What a pod's voices spoke, and which words of it a line carried.

Audio is exact: what a voice makes goes to the line sample by sample, so the recording of the line
shows how far each piece of speech got, whatever the pod itself counts.
"""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from media_pod.providers.ports import Pcm, Speech, Tts, Word

MAX_PIECES: Final = 2000
"""Of one call; later ones are not kept."""
KEY_SAMPLES: Final = 64
"""So many samples of speech are unique within a call."""
LOUD: Final = 200
"""A sample of speech, about -44 dBFS; silence is the same everywhere."""
_FOLDER: Final = "speech"


@dataclass(frozen=True, slots=True, eq=False)
class SpokenPiece:
    """One piece of speech, of a text that may have several."""

    pcm: Pcm
    words: tuple[Word, ...]
    """Those that end in it, counted from its own first sample."""


class SpeechLog:
    """The speech of a pod's voices, in the order in which it was made."""

    def __init__(self) -> None:
        self._texts: list[list[Speech]] = []
        self._pieces = 0

    def add(self, speech: Speech) -> None:
        """Keep `speech`; one that continues belongs to the text before."""
        if self._pieces == MAX_PIECES:
            return
        self._pieces += 1
        if speech.continues and self._texts:
            self._texts[-1].append(speech)
        else:
            self._texts.append([speech])

    def pieces(self) -> Iterator[SpokenPiece]:
        """All pieces, with the latest word times of their texts."""
        for parts in self._texts:
            begin = 0
            for part in parts:
                end = begin + part.pcm.size
                yield SpokenPiece(
                    part.pcm,
                    tuple(
                        Word(word.text, word.start_sample - begin, word.end_sample - begin)
                        for word in parts[-1].words
                        if begin < word.end_sample <= end
                    ),
                )
                begin = end

    def save(self, folder: Path) -> None:
        """Write everything to a folder of its own in `folder`."""
        own = folder / _FOLDER
        own.mkdir(exist_ok=True)
        pieces = list(self.pieces())
        words = [[(w.text, w.start_sample, w.end_sample) for w in each.words] for each in pieces]
        (own / "words.json").write_text(json.dumps(words))
        sounds: dict[str, Any] = {str(at): each.pcm for at, each in enumerate(pieces)}
        np.savez(own / "pieces.npz", allow_pickle=False, **sounds)


def load_speech(folder: Path) -> list[SpokenPiece]:
    """What `SpeechLog.save` wrote."""
    own = folder / _FOLDER
    words = json.loads((own / "words.json").read_text())
    with np.load(own / "pieces.npz") as sounds:
        return [
            SpokenPiece(sounds[str(at)], tuple(Word(*word) for word in each))
            for at, each in enumerate(words)
        ]


class RecordedTts:
    """A voice that keeps what it speaks, as a `Tts`.

    Args:
        voice: the voice.
        log: takes its speech.
    """

    def __init__(self, voice: Tts, log: SpeechLog) -> None:
        self._voice = voice
        self._log = log
        self.name = voice.name
        self.model = voice.model

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """See `Tts.speak`."""
        spoken = self._voice.speak(text)
        assert isinstance(spoken, AsyncGenerator), "voices are generators"
        async with aclosing(spoken) as pieces:
            async for speech in pieces:
                self._log.add(speech)
                yield speech

    async def start(self) -> None:
        """See `Provider.start`."""
        await self._voice.start()

    async def check(self) -> str:
        """See `Provider.check`."""
        return await self._voice.check()

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._voice.aclose()


@dataclass(frozen=True, slots=True)
class CarriedWord:
    """A word that the line carried to its end."""

    text: str
    end_sample: int
    """In the recording of the line."""


def carried_words(pieces: Sequence[SpokenPiece], line: Pcm) -> list[CarriedWord]:
    """The words that `line`, the recording of the bot, carried; in order of time.

    A piece that was played several times counts each time.
    """
    sound = line.astype("<i2").tobytes()
    found: dict[int, CarriedWord] = {}
    for piece in pieces:
        key_at = _key(piece.pcm)
        if key_at is None:
            continue
        key = piece.pcm[key_at : key_at + KEY_SAMPLES].astype("<i2").tobytes()
        for at in _places(sound, key):
            begin = at - key_at
            carried = _same(piece.pcm[key_at:], line[at:]) + key_at
            for word in piece.words:
                if word.end_sample <= carried:
                    end = begin + word.end_sample
                    found.setdefault(end, CarriedWord(word.text, end))
    return [found[end] for end in sorted(found)]


def _key(pcm: Pcm) -> int | None:
    """Where the search for a piece begins: its first loud sample; None for too little sound."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) >= LOUD)
    return int(loud[0]) if loud.size and pcm.size - loud[0] >= KEY_SAMPLES else None


def _places(sound: bytes, key: bytes) -> Iterator[int]:
    at = sound.find(key)
    while at >= 0:
        if at % 2 == 0:
            yield at // 2
        at = sound.find(key, at + 1)


def _same(piece: Pcm, line: Pcm) -> int:
    """How many samples of `piece` are in `line` from its beginning on."""
    size = min(piece.size, line.size)
    different = np.flatnonzero(piece[:size] != line[:size])
    return int(different[0]) if different.size else size
