"""What every wait on a provider has: a deadline for each item, and an end when it is cancelled."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from media_pod.providers.ports import FailureKind, ProviderError

T = TypeVar("T")


async def within(iterator: AsyncIterator[T], seconds: float, what: str) -> AsyncGenerator[T, None]:
    """Yield the items of `iterator`, each within a deadline.

    The time that the consumer takes between two items does not count. The inner iterator is closed
    when this one ends for any reason: exhausted, timed out, failed, cancelled or closed. As with
    every asynchronous generator, a consumer that stops early must close it (`aclosing`).

    Args:
        iterator: stream of a provider.
        seconds: deadline for each item, including the first, and for closing.
        what: name of the provider, for the error message.

    Raises:
        ProviderError: a deadline passed.
    """
    try:
        while True:
            timeout = asyncio.timeout(seconds)
            try:
                async with timeout:
                    item = await anext(iterator)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                # A TimeoutError of the provider itself is passed on unchanged.
                if not timeout.expired():
                    raise
                late = f"{what}: nothing for {seconds:g} s"
                raise ProviderError(late, FailureKind.TIMEOUT) from error
            yield item
    finally:
        if isinstance(iterator, AsyncGenerator):
            await _close(iterator, seconds, what)


async def _close(iterator: AsyncGenerator[T, None], seconds: float, what: str) -> None:
    timeout = asyncio.timeout(seconds)
    try:
        async with timeout:
            await iterator.aclose()
    except TimeoutError as error:
        if not timeout.expired():
            raise
        late = f"{what}: did not close within {seconds:g} s"
        raise ProviderError(late, FailureKind.TIMEOUT) from error


def raise_if_cancelled() -> None:
    """End work that was cancelled while a provider swallowed the cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
