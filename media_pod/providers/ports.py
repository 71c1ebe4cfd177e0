"""What a provider of speech recognition (`Stt`) or speech synthesis (`Tts`) has to offer.

Everything streams and everything can be cancelled: a barge-in cancels the task that iterates, and
an adapter gives up its work when its iterator is closed. Adapters hold no reference to the call.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from media_pod.errors import InterjectError

Pcm = NDArray[np.int16]
"""Mono linear PCM at the rate that the adapter was made for."""


class ProviderError(InterjectError):
    """A provider failed; the message says which one, what it was given and what it answered."""


@dataclass(frozen=True, slots=True)
class Word:
    """Where a word lies in a `Speech`; `end_sample` is exclusive."""

    text: str
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Speech:
    """A stretch of speech, ready to play: usually one sentence or clause."""

    text: str
    pcm: Pcm
    words: tuple[Word, ...]
    """In order, inside `pcm`; their texts joined by blanks are `text` up to white space."""


class Tts(Protocol):
    """A voice."""

    def speak(self, text: str) -> AsyncIterator[Speech]:
        """Speech for `text`, piece by piece, the first as early as possible.

        Raises:
            ProviderError: the voice failed.
        """

    async def aclose(self) -> None:
        """Give back threads, processes and connections."""


class Utterance(Protocol):
    """One utterance of a caller, while it is being heard."""

    def feed(self, pcm: Pcm) -> None:
        """Take the next audio; never blocks. Audio beyond the adapter's bound is dropped."""

    async def finish(self) -> str:
        """The words of the whole utterance, "" if there were none.

        Raises:
            ProviderError: the recognizer failed.
        """

    def discard(self) -> None:
        """Forget the utterance; no effect after `finish`."""


class Stt(Protocol):
    """A recognizer."""

    def listen(self) -> Utterance: ...

    async def aclose(self) -> None:
        """Give back threads, processes and connections."""
