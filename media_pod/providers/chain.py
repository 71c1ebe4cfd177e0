"""A provider and its fallbacks: who is asked, and who is asked next.

Rules
-----
- Before its first result, a request that failed for a reason that may be gone at once is tried once
  more with the same provider; then the next one in the chain takes over.
- After its first result nothing is tried again: part of the answer may have been spoken.
- A provider that failed rests for a while, as long as others in the chain do not, so that a dead
  server costs one call its deadline and not every sentence of all calls.
- When all have failed, the last error is raised.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Final, Generic, TypeVar

from media_pod.providers.chat import Finished, Usage
from media_pod.providers.deadline import raise_if_cancelled, within
from media_pod.providers.ports import FailureKind, Provider, ProviderError
from media_pod.providers.requests import ProviderRequest, RequestKind, RequestObserver, pending

ProviderT = TypeVar("ProviderT", bound=Provider)
T = TypeVar("T")

REST_S: Final = 15.0
"""About as long as a server takes to restart, and the length of two turns."""
_RESTING: Final = frozenset(
    {
        FailureKind.NOT_FOUND,
        FailureKind.QUOTA_EXCEEDED,
        FailureKind.RATE_LIMITED,
        FailureKind.SERVER_ERROR,
        FailureKind.TIMEOUT,
        FailureKind.UNAUTHORIZED,
        FailureKind.UNREACHABLE,
    }
)
"""Failures that concern the provider and not one request."""

_logger = logging.getLogger(__name__)


class ProviderChain(Generic[ProviderT]):
    """The providers of one sort, in the order of preference; shared by all calls of a pod.

    Args:
        kind: of its requests.
        providers: at least one.
        deadline_s: for each result, the first one included.
        now: monotonic time in seconds.
    """

    def __init__(
        self,
        kind: RequestKind,
        providers: Sequence[ProviderT],
        deadline_s: float,
        now: Callable[[], float],
    ) -> None:
        self.kind = kind
        self.providers = tuple(providers)
        self.deadline_s = deadline_s
        self._now = now
        self._rests_until = dict.fromkeys(self.providers, -float("inf"))

    async def start(self) -> None:
        """Start all providers. Raises as `Provider.start`, of the first that fails."""
        for provider in self.providers:
            await provider.start()

    async def aclose(self) -> None:
        """Close all providers."""
        for provider in self.providers:
            await provider.aclose()

    def attempt(self) -> "Attempt[ProviderT]":
        """Begin one request: whom to ask first."""
        now = self._now()
        awake = [one for one in self.providers if self._rests_until[one] <= now]
        return Attempt(self, awake or list(self.providers))

    def rest(self, provider: ProviderT, error: ProviderError) -> None:
        """`provider` failed; skip it for a while if the failure is likely to repeat."""
        if error.kind in _RESTING and len(self.providers) > 1:
            self._rests_until[provider] = self._now() + max(REST_S, error.retry_after_s or 0.0)

    def request(self, provider: ProviderT, text: str = "") -> ProviderRequest:
        """A request to `provider`, to be reported."""
        return ProviderRequest(self.kind, provider.name, provider.model, text)

    async def stream(
        self,
        open_stream: Callable[[ProviderT], AsyncIterator[T]],
        observer: RequestObserver,
        text: str = "",
    ) -> AsyncGenerator[T, None]:
        """The results of the first provider that has any, each within the deadline.

        Args:
            open_stream: asks a provider.
            observer: takes the reports of each attempt.
            text: what a voice is given to speak, for the reports.

        Raises:
            ProviderError: none has a result, or one failed after its first.
        """
        attempt = self.attempt()
        usage: Usage | None = None
        while True:
            provider = attempt.provider
            with pending(observer, self.request(provider, text)) as request:
                try:
                    timed = within(open_stream(provider), self.deadline_s, provider.name)
                    async with aclosing(timed) as items:
                        async for item in items:
                            raise_if_cancelled()
                            request.answered()
                            if isinstance(item, Finished):
                                usage = item.usage
                            yield item
                except Exception as error:  # the edge at which a provider's bug stops
                    failure = as_provider_error(error, provider)
                    request.failed(failure)
                    if request.has_answered:
                        raise failure from failure.__cause__
                else:
                    request.finished(usage)
                    return
            await attempt.again(failure)


class Attempt(Generic[ProviderT]):
    """One request's way through a chain.

    Args:
        chain: whose.
        candidates: whom to ask, in order.
    """

    def __init__(self, chain: ProviderChain[ProviderT], candidates: Sequence[ProviderT]) -> None:
        self._chain = chain
        self.provider, *self._others = candidates
        self._retried = False

    async def again(self, error: ProviderError) -> None:
        """`provider` failed before its first result: afterwards it is whom to ask next.

        Raises:
            ProviderError: `error`; none is left.
        """
        wait_s = None if self._retried else error.retry_wait_s
        if wait_s is not None:
            self._retried = True
            await asyncio.sleep(wait_s)
            return
        self._chain.rest(self.provider, error)
        if not self._others:
            raise error
        failed, self.provider = self.provider, self._others.pop(0)
        self._retried = False
        _logger.warning(
            "%s; %s takes over from %s",
            error,
            self.provider.name,
            failed.name,
            exc_info=traceback_of(error),
        )


def as_provider_error(error: Exception, provider: Provider) -> ProviderError:
    """`error` itself if it is a `ProviderError`; else one that it caused, for a bug of `provider`.

    Whoever handles that one logs the traceback: `traceback_of`.
    """
    if isinstance(error, ProviderError):
        return error
    failure = ProviderError(f"{provider.name}: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure


def traceback_of(error: ProviderError) -> BaseException | None:
    """What a log line about `error` shows: the bug that caused it; None for foreseen failures."""
    return error.__cause__ if error.kind is FailureKind.INTERNAL else None


def error_type(error: Exception) -> str:
    """What kind of failure `error` is, for traces: the class of a bug, else the `FailureKind`."""
    if isinstance(error, ProviderError):
        bug = traceback_of(error)
        return error.kind.value if bug is None else type(bug).__qualname__
    return type(error).__qualname__
