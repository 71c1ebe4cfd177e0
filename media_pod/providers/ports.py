"""Interfaces of speech-to-text (`Stt`) and text-to-speech (`Tts`) providers.

Everything streams and can be cancelled: a barge-in cancels the iterating task, and a provider stops
its work when its iterator is closed. Providers hold no reference to the call.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media_pod.errors import InterjectError

Pcm = NDArray[np.int16]
"""Mono linear PCM at the provider's sample rate, full scale 32768."""


class ProviderError(InterjectError):
    """A provider failed; the message has its name, the input and the response."""


@dataclass(frozen=True, slots=True)
class Word:
    """Position of a word in a `Speech`; `end_sample` is exclusive."""

    text: str
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Speech:
    """A piece of speech, ready to play: usually one sentence or clause."""

    text: str
    pcm: Pcm
    words: tuple[Word, ...]
    """In order, within `pcm`. Their texts joined by blanks equal `text` except for white space."""


class Tts(Protocol):
    """A text-to-speech voice."""

    def speak(self, text: str) -> AsyncIterator[Speech]:
        """Synthesize `text` piece by piece, the first piece as early as possible.

        Raises:
            ProviderError: synthesis failed.
        """

    async def aclose(self) -> None:
        """Release threads, processes and connections."""


class Utterance(Protocol):
    """Recognition of one utterance of a caller."""

    def feed(self, pcm: Pcm) -> None:
        """Add the next audio; never blocks. Audio beyond the provider's limit is dropped."""

    async def finish(self) -> str:
        """The text of the whole utterance; "" if no words were recognized.

        Raises:
            ProviderError: recognition failed.
        """

    def discard(self) -> None:
        """Abandon the utterance; no effect after `finish`."""


class Stt(Protocol):
    """A speech-to-text recognizer."""

    def listen(self) -> Utterance:
        """Start an utterance."""

    async def aclose(self) -> None:
        """Release threads, processes and connections."""
