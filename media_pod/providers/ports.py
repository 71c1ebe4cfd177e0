"""Interfaces of speech-to-text (`Stt`) and text-to-speech (`Tts`) providers, and their errors.

Everything streams and can be cancelled: a barge-in cancels the iterating task, and a provider stops
its work when its iterator is closed. Providers hold no reference to the call.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media_pod.errors import InterjectError

Pcm = NDArray[np.int16]
"""Mono linear PCM at the line's sample rate, full scale 32768."""


class FailureKind(Enum):
    """Why a provider failed. The retry rule, the fallback and `interject check` decide by it."""

    BAD_ANSWER = "bad_answer"
    """The answer is not of the protocol, or has no content."""
    BAD_REQUEST = "bad_request"
    """The provider rejects the request."""
    CUT = "cut"
    """The answer ended before it was whole."""
    INTERNAL = "internal"
    """The provider's own code, its process or its model failed."""
    NOT_FOUND = "not_found"
    """No such model, voice or path."""
    QUOTA_EXCEEDED = "quota_exceeded"
    """The account has no credit left."""
    RATE_LIMITED = "rate_limited"
    """Too many requests."""
    REFUSED = "refused"
    """A content filter stopped the answer."""
    SERVER_ERROR = "server_error"
    """The server reports a fault of its own (HTTP 5xx)."""
    TIMEOUT = "timeout"
    """A deadline passed."""
    UNAUTHORIZED = "unauthorized"
    """The API key is missing or wrong."""
    UNREACHABLE = "unreachable"
    """No connection: name not found, refused, TLS failed, reset before the answer."""


RETRIED: Final = frozenset({FailureKind.CUT, FailureKind.SERVER_ERROR, FailureKind.UNREACHABLE})
"""Kinds that a second request may not show: a stale connection, a restarted server."""
MAX_RETRY_WAIT_S: Final = 0.3
"""A longer wait is audible in a conversation; the fallback answers sooner."""


class ProviderError(InterjectError):
    """A provider failed; the message has its name, the input and the response.

    Args:
        message: one line for the person who runs the agent.
        kind: why.
        retry_after_s: the wait that a rate limit asks for; None if the provider names none.
    """

    def __init__(
        self,
        message: str,
        kind: FailureKind = FailureKind.INTERNAL,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s

    @property
    def retry_wait_s(self) -> float | None:
        """How long to wait before the same request is worth another try; None if it is not."""
        if self.kind in RETRIED:
            return 0.0
        soon = self.retry_after_s is not None and self.retry_after_s <= MAX_RETRY_WAIT_S
        return self.retry_after_s if self.kind is FailureKind.RATE_LIMITED and soon else None


@dataclass(frozen=True, slots=True)
class Word:
    """Position of a word in the speech of a text; `end_sample` is exclusive."""

    text: str
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Speech:
    """Speech of one text (a sentence or clause), ready to play: whole, or a part of it.

    A provider that streams within a text sends several parts. The first has the text; the others
    have "" and `continues`. `words` always cover the text as a whole, counted from its first
    sample: the latest estimate replaces those before.
    """

    text: str
    pcm: Pcm
    words: tuple[Word, ...]
    """In order. Their texts joined by blanks equal the whole text except for white space. Words of
    audio that has not come yet may end beyond it."""
    continues: bool = False
    """It goes on from the `Speech` before."""


class Provider(Protocol):
    """What all providers have in common."""

    @property
    def name(self) -> str:
        """The provider's kind in the manifest, such as "openai"; in metrics and traces."""

    @property
    def model(self) -> str:
        """Its model or voice; "" if there is no choice."""

    async def start(self) -> None:
        """Load models, start processes, open connections ahead; called once, before the first use.

        A server that does not answer is no error here: it may come back before it is needed.

        Raises:
            SetupError: a package or a file is missing.
            ProviderError: a process or a model does not start.
        """

    async def check(self) -> str:
        """Try it once, without a caller, as `interject check` does.

        Returns:
            One line: what was found.

        Raises:
            ProviderError: it would not work in a call; the message has what was found and, where it
                is known, what is allowed.
        """

    async def aclose(self) -> None:
        """Release threads, processes and connections."""


class Tts(Provider, Protocol):
    """A text-to-speech voice."""

    def speak(self, text: str) -> AsyncIterator[Speech]:
        """Synthesize `text` piece by piece, the first piece as early as possible.

        Raises:
            ProviderError: synthesis failed, or gave no audio for a text with words.
        """


class Utterance(Protocol):
    """Recognition of one utterance of a caller, while it is spoken."""

    @property
    def partial(self) -> str:
        """The words so far; "" for recognizers that have none before the end."""

    def feed(self, pcm: Pcm) -> None:
        """Add the next audio; never blocks. Audio beyond the provider's limit is dropped."""

    async def finish(self) -> str:
        """The text of the whole utterance; "" if no words were recognized.

        Raises:
            ProviderError: recognition failed.
        """

    def discard(self) -> None:
        """Abandon the utterance; no effect after `finish`."""


class Stt(Provider, Protocol):
    """A speech-to-text recognizer."""

    def listen(self) -> Utterance:
        """Start an utterance. Never blocks; a connection that fails is reported by `finish`."""
