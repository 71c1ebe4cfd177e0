"""Built-in text-to-speech: espeak-ng, from the espeakng-loader package. Needs no network or key.

The audio of a text is similar each time but not bit-identical, because espeak carries its vibrato
over to the next text. The same sequence of texts in a new process gives the same samples.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import numpy as np
import soxr
from numpy.typing import NDArray

from media_pod.providers.builtin.espeak_engine import PITCH, WORDS_PER_MINUTE, engine
from media_pod.providers.ports import ProviderError, Speech, Word
from media_pod.providers.tts.espeak_text import readable, without_title_stops
from media_pod.providers.tts.level import FRAME_MS, audible, frame_power, frame_samples, levelled
from media_pod.providers.tts.sentences import pieces
from media_pod.providers.tts.word_spans import spans

SENTENCE_PAUSE_MS = 200
CLAUSE_PAUSE_MS = 120
"""Silence after a sentence and after a clause; espeak adds none at the end of a text."""

_RELEASE_MS = 15
"""Time that a word lasts beyond its last audible frame: the tail of a plosive."""
_CLAUSE_ENDS = ",;:—–-，、；：،؛"
_ONSET_MS = 10
"""espeak's word events lag behind the sound: the last ms before an event belong to its word."""


class EspeakTts:
    """espeak-ng as a `Tts`.

    An iterator synthesizes one piece at a time, on demand. The worker's queue holds at most one
    piece per active turn, and a closed iterator causes no further work.
    """

    name = "espeak"

    def __init__(self, rate_hz: int, voice: str = "en-us", words_per_minute: int = 165) -> None:
        """Load espeak-ng and its voice.

        Args:
            rate_hz: sample rate of the speech.
            voice: a language tag with an optional variant: "en-us", "en-gb", "en-us+f3".
            words_per_minute: 80..450.

        Raises:
            SetupError: espeakng-loader is not installed or does not load.
            ProviderError: unknown voice, or a speaking rate out of range.
        """
        self.model = voice
        self._speaker = _Speaker(rate_hz, voice, words_per_minute)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")
        self._closed = False

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Synthesize `text` sentence by sentence; see `Tts.speak`."""
        loop = asyncio.get_running_loop()
        for piece in self._speaker.pieces(text):
            if self._closed:
                raise ProviderError("espeak: the voice is closed")
            speech = await loop.run_in_executor(self._executor, self._speaker.say, piece)
            if speech.pcm.size:
                yield speech

    async def start(self) -> None:
        """Nothing to start: the voice is loaded."""

    async def check(self) -> str:
        """See `Provider.check`."""
        async with aclosing(self.speak("Hello.")) as pieces:
            samples = sum([speech.pcm.size async for speech in pieces])
        if not samples:
            raise ProviderError(f"espeak: no audio for one word by voice {self.model}")
        return f"voice {self.model}"

    async def aclose(self) -> None:
        """Stop the worker thread after its current piece."""
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)


def synthesize(
    text: str,
    rate_hz: int,
    voice: str = "en-us",
    words_per_minute: int = 165,
    pitch: int = 50,
) -> list[Speech]:
    """Synthesize all pieces of `text` at once, for simulated callers.

    Args:
        text: any text.
        rate_hz: sample rate of the speech.
        voice: a language tag with an optional variant: "en-us", "en-gb+f3".
        words_per_minute: 80..450.
        pitch: 0..99; 50 is the voice's default.

    Raises:
        SetupError: espeakng-loader is not installed or does not load.
        ProviderError: unknown voice, or a setting out of range.
    """
    speaker = _Speaker(rate_hz, voice, words_per_minute, pitch)
    spoken = [speaker.say(piece) for piece in speaker.pieces(text)]
    return [speech for speech in spoken if speech.pcm.size]


class _Speaker:
    """One voice at one rate."""

    def __init__(self, rate_hz: int, voice: str, words_per_minute: int, pitch: int = 50) -> None:
        _check("words per minute", words_per_minute, WORDS_PER_MINUTE)
        _check("pitch", pitch, PITCH)
        self._engine = engine()
        self._voice = self._engine.resolve(voice)
        self._language = re.sub(r"[^a-z].*", "", voice.lower().rpartition("/")[2])
        self._rate_hz = rate_hz
        self._words_per_minute = words_per_minute
        self._pitch = pitch

    def pieces(self, text: str) -> Iterator[str]:
        return pieces(readable(text), self._language)

    def say(self, text: str) -> Speech:
        made = self._engine.synthesize(
            without_title_stops(text), self._voice, self._words_per_minute, self._pitch
        )
        scale = self._rate_hz / self._engine.rate_hz
        events = [(event.text_position, round(event.sample * scale)) for event in made.words]
        samples = made.pcm.astype(np.float32)
        samples = soxr.resample(samples, self._engine.rate_hz, self._rate_hz, "VHQ")
        pcm = levelled(samples, self._rate_hz)
        above = audible(frame_power(pcm.astype(np.float32), self._rate_hz))
        pcm = pcm[: _voiced_end(above, 0, pcm.size, self._rate_hz)]
        words = tuple(
            Word(word, start, _voiced_end(above, start, end, self._rate_hz))
            for word, start, end in spans(text, events, pcm.size)
        )
        pause = np.zeros(_pause_ms(text) * self._rate_hz // 1000, np.int16)
        return Speech(text, np.concatenate([pcm, pause]) if pcm.size else pcm, words)


def _check(name: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise ProviderError(
            f"espeak: {name} is {value}; expected {allowed.start}..{allowed.stop - 1}"
        )


def _voiced_end(above: NDArray[np.bool_], start: int, end: int, rate_hz: int) -> int:
    """End of the sound within the samples `start` to `end`, including the release."""
    frame = frame_samples(rate_hz)
    guard = 0 if end >= above.size * frame - frame else _ONSET_MS // FRAME_MS
    loud = np.flatnonzero(above[start // frame : -(-end // frame) - guard])
    if not loud.size:
        return end
    last = (start // frame + int(loud[-1]) + 1) * frame
    return min(end, max(start + 1, last + _RELEASE_MS * rate_hz // 1000))


def _pause_ms(text: str) -> int:
    return CLAUSE_PAUSE_MS if text.rstrip("\"'”’)]")[-1:] in _CLAUSE_ENDS else SENTENCE_PAUSE_MS
