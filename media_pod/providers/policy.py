"""A deadline on every piece that a provider streams."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from media_pod.providers.ports import ProviderError

T = TypeVar("T")


async def within(iterator: AsyncIterator[T], seconds: float, what: str) -> AsyncGenerator[T, None]:
    """Pass on what `iterator` gives, as long as it is never silent for longer than `seconds`.

    The time that the consumer takes between two items is not counted. The inner iterator is closed
    when this one ends, whatever the cause: exhausted, late, failed, cancelled or closed itself. As
    with every asynchronous generator, a consumer that stops early closes it (`aclosing`).

    Args:
        iterator: what a provider streams.
        seconds: how long each item, the first as well, and the closing may take.
        what: the provider's name, for the message.

    Raises:
        ProviderError: an item, or the closing, took longer.
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
                # A provider may raise TimeoutError of its own accord: that is its failure to tell.
                if not timeout.expired():
                    raise
                raise ProviderError(f"{what}: nothing for {seconds:g} s") from error
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
        raise ProviderError(f"{what}: did not close within {seconds:g} s") from error
