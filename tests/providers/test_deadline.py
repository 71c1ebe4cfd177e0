"""A deadline for every item that a provider streams."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from media_pod.providers.deadline import within
from media_pod.providers.ports import ProviderError


class Source:
    """Yields items, then optionally hangs; records whether it was closed."""

    def __init__(self, items: list[int], hangs: bool = False) -> None:
        self.items = items
        self.hangs = hangs
        self.closed = False
        self.waiting = asyncio.Event()

    async def stream(self) -> AsyncGenerator[int, None]:
        try:
            for item in self.items:
                yield item
            if self.hangs:
                self.waiting.set()
                await asyncio.Event().wait()
        finally:
            self.closed = True


async def test_everything_in_time_is_passed_on() -> None:
    source = Source([1, 2, 3])
    assert [item async for item in within(source.stream(), 5, "voice")] == [1, 2, 3]
    assert source.closed


async def test_a_silent_provider_becomes_an_error_and_is_closed() -> None:
    source = Source([1], hangs=True)
    got = []
    with pytest.raises(ProviderError, match=r"^voice: nothing for 0\.01 s$"):
        async for item in within(source.stream(), 0.01, "voice"):
            got.append(item)
    assert got == [1]
    assert source.closed


async def test_closing_early_closes_the_provider() -> None:
    source = Source([1, 2, 3])
    async with aclosing(within(source.stream(), 5, "voice")) as stream:
        assert await anext(stream) == 1
        assert not source.closed
    assert source.closed


async def test_cancelling_the_consumer_closes_the_provider() -> None:
    source = Source([], hangs=True)

    async def consume() -> None:
        async with aclosing(within(source.stream(), 5, "voice")) as stream:
            async for _ in stream:
                pass

    task = asyncio.create_task(consume())
    await source.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed


async def test_a_providers_own_timeout_is_not_taken_for_the_deadline() -> None:
    async def fails() -> AsyncGenerator[int, None]:
        yield 1
        raise TimeoutError("its server is slow")

    got = []
    with pytest.raises(TimeoutError, match="its server is slow"):
        async for item in within(fails(), 5, "voice"):
            got.append(item)
    assert got == [1]


async def test_a_provider_that_does_not_close_is_an_error() -> None:
    async def clings() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.Event().wait()

    stream = within(clings(), 0.01, "voice")
    assert await anext(stream) == 1
    with pytest.raises(ProviderError, match=r"^voice: did not close within 0\.01 s$"):
        await stream.aclose()
