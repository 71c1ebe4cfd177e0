"""Requests to providers, as traces and metrics see them: one beginning and one end each.

A provider knows nothing of it. Whoever asks one, a call or its dialogue, opens a `PendingRequest`,
which reports to the call's `RequestObserver`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from media_pod.providers.chat import Usage

RequestKind = Literal["stt", "llm", "tts", "tool"]


@dataclass(frozen=True, slots=True, eq=False)
class ProviderRequest:
    """One request to a provider or a tool; all reports about it carry this very object."""

    kind: RequestKind
    provider: str
    """The provider's kind in the manifest, or the name of the tool."""
    model: str = ""
    """Model or voice; "" if the provider has no choice of them."""
    text: str = ""
    """What a voice is given to speak; the arguments of a tool."""


class RequestObserver(Protocol):
    """Takes the reports of one call; none of them blocks."""

    def requested(self, request: ProviderRequest) -> None:
        """The request was sent."""

    def answered(self, request: ProviderRequest) -> None:
        """The first result is here."""

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        """All results are here: tokens of a language model, the text that a tool returned."""

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        """The provider raised `error`, or missed its deadline."""

    def abandoned(self, request: ProviderRequest) -> None:
        """Nothing waits for the result any more."""


class PendingRequest:
    """One request, from its start to its one end; reports both.

    Args:
        observer: takes the reports.
        request: the request.
    """

    def __init__(self, observer: RequestObserver, request: ProviderRequest) -> None:
        self._observer = observer
        self._request = request
        self._ended = False
        self.has_answered = False
        """The first result is here: it is too late for another try."""
        observer.requested(request)

    def answered(self) -> None:
        """The first result is here; later calls have no effect."""
        if not self.has_answered:
            self.has_answered = True
            self._observer.answered(self._request)

    def failed(self, error: Exception) -> None:
        """The provider raised `error`, or missed its deadline."""
        self._ended = True
        self._observer.failed(self._request, error)

    def finished(self, usage: Usage | None = None, text: str = "") -> None:
        """All results are here."""
        self._ended = True
        self._observer.finished(self._request, usage, text)

    def close(self) -> None:
        """The request is abandoned unless it has ended."""
        if not self._ended:
            self._ended = True
            self._observer.abandoned(self._request)


@contextmanager
def pending(observer: RequestObserver, request: ProviderRequest) -> Iterator[PendingRequest]:
    """Report `request` as begun, and as abandoned if the body leaves it without an end."""
    made = PendingRequest(observer, request)
    try:
        yield made
    finally:
        made.close()
