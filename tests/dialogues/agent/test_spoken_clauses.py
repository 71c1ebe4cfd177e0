"""From the stream of a model to the clauses that a voice speaks."""

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from media_pod.dialogues.agent.spoken_clauses import DELTA_CHARS, HELD_DELTAS, spoken_clauses
from media_pod.providers.ports import FailureKind, ProviderError

NEVER_S = 60.0
AT_ONCE_S = 0.001


class Model:
    """Deltas, with an event to wait for before each None, then the end or a failure."""

    def __init__(self, *deltas: str | None, failure: Exception | None = None) -> None:
        self._deltas = deltas
        self._failure = failure
        self.go_on = asyncio.Event()
        self.sent = 0
        self.closed_by: asyncio.Task[object] | None = None

    async def stream(self) -> AsyncGenerator[str, None]:
        began_in = asyncio.current_task()
        try:
            for delta in self._deltas:
                if delta is None:
                    await self.go_on.wait()
                else:
                    self.sent += 1
                    yield delta
            if self._failure:
                raise self._failure
        finally:
            assert asyncio.current_task() is began_in
            self.closed_by = began_in


async def test_marks_are_gone_and_clauses_are_whole() -> None:
    model = Model("**Sure", "**, let me che", "ck that.", " It co", "sts 3", ".50. ", "Bye 👋")
    async with aclosing(spoken_clauses(model.stream(), "en", NEVER_S)) as spoken:
        assert [clause async for clause in spoken] == [
            "Sure, let me check that.",
            "It costs 3.50.",
            "Bye",
        ]


async def test_a_clause_comes_while_the_model_still_writes() -> None:
    model = Model("Hello. I", None, " am here.")
    async with aclosing(spoken_clauses(model.stream(), "en", NEVER_S)) as spoken:
        assert await anext(spoken) == "Hello."
        model.go_on.set()
        assert [clause async for clause in spoken] == ["I am here."]


async def test_a_pause_of_the_model_speaks_what_is_complete() -> None:
    model = Model("One moment.", None, " It is here.")
    async with aclosing(spoken_clauses(model.stream(), "en", AT_ONCE_S)) as spoken:
        assert await anext(spoken) == "One moment."
        model.go_on.set()
        assert [clause async for clause in spoken] == ["It is here."]


async def test_a_failure_comes_after_the_clauses_before_it() -> None:
    failure = ProviderError("openai: cut", FailureKind.CUT)
    model = Model("Hello. I am", failure=failure)
    async with aclosing(spoken_clauses(model.stream(), "en", NEVER_S)) as spoken:
        assert await anext(spoken) == "Hello."
        with pytest.raises(ProviderError) as raised:
            await anext(spoken)
    assert raised.value is failure


async def test_closing_closes_the_model() -> None:
    model = Model("Hello. I", None)
    async with aclosing(spoken_clauses(model.stream(), "en", NEVER_S)) as spoken:
        await anext(spoken)
    assert model.closed_by is not None


async def test_cancelling_closes_the_model_even_if_it_waits_for_the_voice() -> None:
    model = Model(*["Hello. I am. "] * 1000)
    async with aclosing(spoken_clauses(model.stream(), "en", NEVER_S)) as spoken:
        await anext(spoken)
        for _ in range(3 * HELD_DELTAS):
            await asyncio.sleep(0)
        assert model.sent <= HELD_DELTAS + 2
    assert model.closed_by is not None


async def test_a_failure_while_closing_reaches_nobody() -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))

    async def deltas() -> AsyncGenerator[str, None]:
        yield "Hello. I"
        try:
            await asyncio.Event().wait()
        finally:
            raise ProviderError("does not close")

    spoken = spoken_clauses(deltas(), "en", AT_ONCE_S)
    await anext(spoken)
    await asyncio.sleep(0)
    await spoken.aclose()
    del spoken
    gc.collect()  # a task whose failure nobody took reports it at its end
    assert unhandled == []


async def test_cancellation_while_the_model_thinks_closes_it() -> None:
    model = Model(None)
    spoken = spoken_clauses(model.stream(), "en", NEVER_S)
    waiting = asyncio.create_task(anext(spoken))
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert model.closed_by is not None


async def test_any_iterator_will_do() -> None:
    class Deltas:
        def __init__(self) -> None:
            self._left = ["Hello.", " You."]

        def __aiter__(self) -> AsyncIterator[str]:
            return self

        async def __anext__(self) -> str:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop(0)

    async with aclosing(spoken_clauses(Deltas(), "en", NEVER_S)) as spoken:
        assert [clause async for clause in spoken] == ["Hello.", "You."]


async def test_a_reply_in_one_delta_lets_others_run_meanwhile() -> None:
    model = Model("It is here and there " * 500)
    others = 0

    def other() -> None:
        nonlocal others
        others += 1
        handle[0] = asyncio.get_running_loop().call_soon(other)

    handle = [asyncio.get_running_loop().call_soon(other)]
    async with aclosing(spoken_clauses(model.stream(), "en", NEVER_S)) as spoken:
        assert len([clause async for clause in spoken]) > 50
    handle[0].cancel()
    assert others >= 21 * 500 // DELTA_CHARS
