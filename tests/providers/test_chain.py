"""A provider and its fallbacks: who is asked, how often, and what is reported of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call.doubles import SOON, others
from media_pod.providers.chain import REST_S, ProviderChain, traceback_of
from media_pod.providers.chat import Finished, FinishReason, TextDelta, Usage
from media_pod.providers.ports import MAX_RETRY_WAIT_S, RETRIED, FailureKind, ProviderError
from providers.doubles import Reports, Scripted


def failure(kind: FailureKind, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError(f"it is {kind.value}", kind, retry_after_s)


class Asked:
    """Requests to a chain whose time is set by hand."""

    def __init__(self, *providers: Scripted, deadline_s: float = 5.0) -> None:
        self.now_s = 100.0
        self.chain = ProviderChain("llm", providers, deadline_s, lambda: self.now_s)
        self.reports = Reports()

    async def ask(self) -> list[object]:
        """All results of one request."""
        stream = self.chain.stream(lambda provider: provider.stream(), self.reports)
        async with aclosing(stream) as items:
            return [item async for item in items]

    async def fails(self) -> ProviderError:
        with pytest.raises(ProviderError) as raised:
            await self.ask()
        return raised.value


@pytest.mark.parametrize("kind", FailureKind)
async def test_a_failure_that_may_be_gone_at_once_is_tried_once_more(kind: FailureKind) -> None:
    first = Scripted("first", [failure(kind)], ["late"])
    asked = Asked(first)

    if kind in RETRIED:
        assert await asked.ask() == ["late"]
        assert asked.reports.lines == ["first failed", "first answered finished"]
    else:
        assert (await asked.fails()).kind is kind
        assert asked.reports.lines == ["first failed"]


@pytest.mark.parametrize(
    ("wait_s", "tries"), [(0.0, 2), (0.001, 2), (MAX_RETRY_WAIT_S + 0.001, 1), (None, 1)]
)
async def test_a_rate_limit_is_waited_for_if_the_caller_does_not_notice(
    wait_s: float | None, tries: int
) -> None:
    first = Scripted("first", [failure(FailureKind.RATE_LIMITED, wait_s)])
    asked = Asked(first)

    assert (await asked.fails()).kind is FailureKind.RATE_LIMITED

    assert first.asked == tries


async def test_fallbacks_are_asked_in_order_each_twice_at_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cut = [failure(FailureKind.CUT)]
    first, second = Scripted("first", cut), Scripted("second", cut)
    third = Scripted("third", [failure(FailureKind.BAD_ANSWER)])
    asked = Asked(first, second, third, Scripted("fourth", ["at last"]))

    assert await asked.ask() == ["at last"]

    assert asked.reports.lines == [
        *["first failed"] * 2,
        *["second failed"] * 2,
        "third failed",
        "fourth answered finished",
    ]
    assert "it is cut; second takes over from first" in caplog.text
    assert "it is bad_answer; fourth takes over from third" in caplog.text


async def test_when_all_fail_the_last_error_is_raised() -> None:
    first = Scripted("first", [failure(FailureKind.UNAUTHORIZED)])
    asked = Asked(first, Scripted("second", [failure(FailureKind.QUOTA_EXCEEDED)]))
    assert (await asked.fails()).kind is FailureKind.QUOTA_EXCEEDED


@pytest.mark.parametrize(
    ("error", "rests_s"),
    [
        (failure(FailureKind.UNAUTHORIZED), REST_S),
        (failure(FailureKind.SERVER_ERROR), REST_S),
        (failure(FailureKind.RATE_LIMITED, 60.0), 60.0),
        (failure(FailureKind.RATE_LIMITED, 1.0), REST_S),
    ],
)
async def test_a_dead_provider_costs_one_request_and_then_rests(
    error: ProviderError, rests_s: float
) -> None:
    first, second = Scripted("first", [error]), Scripted("second", ["yes"])
    asked = Asked(first, second)
    await asked.ask()
    tried = first.asked

    asked.now_s += rests_s - 0.1
    await asked.ask()
    assert first.asked == tried

    asked.now_s += 0.2
    first.attempts = [["awake"]]
    assert await asked.ask() == ["awake"]


@pytest.mark.parametrize("kind", [FailureKind.BAD_REQUEST, FailureKind.REFUSED, FailureKind.CUT])
async def test_a_failure_of_one_request_does_not_make_the_provider_rest(kind: FailureKind) -> None:
    first = Scripted("first", [failure(kind)])
    asked = Asked(first, Scripted("second", ["yes"]))
    await asked.ask()
    first.attempts = [["again"]]
    assert await asked.ask() == ["again"]


async def test_when_all_rest_all_are_asked_in_order() -> None:
    down = [failure(FailureKind.TIMEOUT)]
    asked = Asked(Scripted("first", down), Scripted("second", down))
    await asked.fails()
    await asked.fails()
    assert asked.reports.lines == ["first failed", "second failed"] * 2


@pytest.mark.parametrize("kind", FailureKind)
async def test_nothing_is_tried_again_after_the_first_result(kind: FailureKind) -> None:
    first, second = Scripted("first", ["half", failure(kind)]), Scripted("second", ["whole"])
    asked = Asked(first, second)
    heard = []

    stream = asked.chain.stream(lambda provider: provider.stream(), asked.reports)
    with pytest.raises(ProviderError, match=f"it is {kind.value}"):
        async with aclosing(stream) as items:
            async for item in items:
                heard.append(item)

    assert heard == ["half"]
    assert (first.asked, second.asked) == (1, 0)
    assert asked.reports.lines == ["first answered failed"]


@pytest.mark.parametrize("before", [[], ["one"]])
async def test_each_result_has_its_deadline(before: list[object]) -> None:
    asked = Asked(Scripted("first", [*before, "hang"]), deadline_s=SOON)
    error = await asked.fails()
    assert error.kind is FailureKind.TIMEOUT
    assert str(error) == f"first: nothing for {SOON:g} s"
    assert asked.chain.providers[0].open == 0


async def test_a_provider_that_hangs_is_replaced_within_the_deadline() -> None:
    first, second = Scripted("first", ["hang"]), Scripted("second", ["yes"])
    asked = Asked(first, second, deadline_s=SOON)
    assert await asked.ask() == ["yes"]
    assert first.open == 0


async def test_whoever_is_not_waited_for_stops_at_once() -> None:
    first, second = Scripted("first", ["one", "hang"]), Scripted("second", ["yes"])
    asked = Asked(first, second)
    work = asyncio.create_task(asked.ask())
    await first.is_open.wait()

    work.cancel()
    await asyncio.wait([work])

    assert work.cancelled()
    assert first.open == second.asked == 0
    assert asked.reports.lines == ["first answered abandoned"]
    assert not others()


async def test_who_stops_listening_ends_the_stream() -> None:
    first = Scripted("first", ["one", "two"])
    asked = Asked(first)
    stream = asked.chain.stream(lambda provider: provider.stream(), asked.reports)
    async with aclosing(stream) as items:
        assert await anext(items) == "one"
        assert first.open == 1
    assert first.open == 0
    assert asked.reports.lines == ["first answered abandoned"]


async def test_a_cancellation_during_the_wait_for_a_second_try_leaves_no_request_open() -> None:
    first = Scripted("first", [failure(FailureKind.RATE_LIMITED, MAX_RETRY_WAIT_S)])
    asked = Asked(first)
    work = asyncio.create_task(asked.ask())
    await first.is_open.wait()
    await asyncio.sleep(0)
    work.cancel()
    await asyncio.wait([work])
    assert first.asked == 1
    assert asked.reports.lines == ["first failed"]


async def test_a_bug_is_a_failure_whose_traceback_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bug = ZeroDivisionError("by zero")
    error = await Asked(Scripted("first", [bug])).fails()
    assert str(error) == "first: ZeroDivisionError: by zero"
    assert error.kind is FailureKind.INTERNAL
    assert traceback_of(error) is bug

    await Asked(Scripted("first", [bug]), Scripted("second", ["yes"])).ask()
    assert "first: ZeroDivisionError: by zero; second takes over" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_foreseen_failure_is_logged_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = failure(FailureKind.UNREACHABLE)
    error.__cause__ = OSError("connection refused")
    await Asked(Scripted("first", [error]), Scripted("second", ["yes"])).ask()
    assert "it is unreachable; second takes over from first" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_provider_that_cannot_even_be_asked_is_replaced() -> None:
    first, second = Scripted("first", []), Scripted("second", ["yes"])
    asked = Asked(first, second)

    def ask(provider: Scripted) -> AsyncIterator[object]:
        if provider is first:
            raise RuntimeError("not connected")
        return provider.stream()

    stream = asked.chain.stream(ask, asked.reports)
    async with aclosing(stream) as items:
        assert [item async for item in items] == ["yes"]
    assert asked.reports.lines == ["first failed", "second answered finished"]


async def test_the_tokens_of_a_reply_are_reported_with_its_end() -> None:
    usage = Usage(7, 3)
    asked = Asked(Scripted("first", [TextDelta("Hi"), Finished(FinishReason.STOP, usage)]))
    await asked.ask()
    assert asked.reports.usages == [usage]
    (request,) = asked.reports.all
    assert (request.kind, request.provider, request.model) == ("llm", "first", "first-model")


_ITEMS = st.one_of(
    st.just("item"),
    st.builds(failure, st.sampled_from(FailureKind)),
    st.builds(RuntimeError, st.just("a bug")),
)


@given(
    st.lists(st.lists(st.lists(_ITEMS, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3)
)
async def test_every_attempt_begins_and_ends_once(scripts: list[list[list[object]]]) -> None:
    providers = [Scripted(str(number), *script) for number, script in enumerate(scripts)]
    asked = Asked(*providers)
    for _ in range(2):
        try:
            await asked.ask()
        except ProviderError:
            continue

    assert sum(provider.asked for provider in providers) == len(asked.reports.all)
    for words in asked.reports.all.values():
        assert words in (["finished"], ["failed"], ["answered", "finished"], ["answered", "failed"])
    assert all(provider.open == 0 for provider in providers)
