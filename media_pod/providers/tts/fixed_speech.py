"""Speech of fixed sentences: recorded, or synthesized once and kept.

The agent's greeting and phrases are said in every call. Kept, they cost nothing and start at once;
the apology must not depend on a provider that has just failed.
"""

import logging
from collections.abc import Collection, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from media_pod.errors import SetupError
from media_pod.manifest.conversation import RecordingSettings
from media_pod.providers.chain import as_provider_error, traceback_of
from media_pod.providers.deadline import within
from media_pod.providers.ports import FailureKind, Pcm, ProviderError, Speech, Tts
from media_pod.providers.recording import read_wav
from media_pod.providers.tts.sounding import sounding
from media_pod.providers.tts.spoken_words import spoken_words, word_times

MAX_SECONDS: Final = 60
"""Of a recording, and of a sentence that is kept from a call; `prepare` has no limit."""

PREPARE_S: Final = 20.0
"""For each piece, while everything else is loading too."""

_logger = logging.getLogger(__name__)


class FixedSpeech:
    """Sentences of one agent.

    Args:
        texts: those to keep once they have been synthesized.
        rate_hz: of the line.
    """

    def __init__(self, texts: Collection[str], rate_hz: int) -> None:
        self._texts = frozenset(texts)
        self._rate_hz = rate_hz
        self._kept: dict[str, tuple[Speech, ...]] = {}

    def record(self, recordings: Sequence[RecordingSettings], folder: Path) -> None:
        """Read recorded sentences; blocks.

        Raises:
            SetupError: a file cannot be read, or is too long.
        """
        for recording in recordings:
            pcm = read_wav(folder / recording.play, self._rate_hz)
            if pcm.size > MAX_SECONDS * self._rate_hz:
                seconds = pcm.size / self._rate_hz
                raise SetupError(
                    f"{recording.play}: {seconds:.0f} s long, expected at most {MAX_SECONDS} s"
                )
            self._kept[recording.text] = (_recorded(recording.text, pcm),)

    def get(self, text: str) -> tuple[Speech, ...]:
        """The speech of `text`; () if it has to be synthesized."""
        return self._kept.get(text, ())

    def keep(self, text: str, pieces: Sequence[Speech]) -> None:
        """`text` has been synthesized as a whole; it is kept if it is one of the fixed ones."""
        samples = sum(piece.pcm.size for piece in pieces)
        if text in self._texts and samples <= MAX_SECONDS * self._rate_hz:
            self._kept[text] = tuple(pieces)

    async def prepare(self, text: str, voices: Sequence[Tts]) -> tuple[Speech, ...]:
        """The speech of `text`, synthesized by the first of `voices` that can.

        Raises:
            ProviderError: none can.
        """
        error = ProviderError(f"no voice for {text!r}", FailureKind.NOT_FOUND)
        for voice in voices:
            if kept := self.get(text):
                return kept
            try:
                speech = sounding(voice.speak(text), text, voice.name)
                async with aclosing(within(speech, PREPARE_S, voice.name)) as spoken:
                    pieces = [piece async for piece in spoken]
            except Exception as failed:  # the edge at which a voice's bug stops
                error = as_provider_error(failed, voice)
                _logger.warning(
                    "a fixed sentence is not spoken by %s: %s",
                    voice.name,
                    error,
                    exc_info=traceback_of(error),
                )
            else:
                self._kept[text] = tuple(pieces)
        if kept := self.get(text):
            return kept
        raise error


def _recorded(text: str, pcm: Pcm) -> Speech:
    return Speech(text, pcm, word_times(spoken_words(text), 0, pcm.size))
