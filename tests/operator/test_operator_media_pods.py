"""Asking pods for their calls: pods on real sockets, those that are slow, huge or broken too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from media_pod.telemetry.metrics import Metrics
from voiceagent_operator import media_pods as module
from voiceagent_operator.media_pods import MOST_AT_A_TIME, PodCalls, parse

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


def page(calls: object) -> bytes:
    return f"# HELP interject_active_calls Calls.\ninterject_active_calls {calls}\n".encode()


def says(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    return answer


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a pod; gives its address."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> str:
            app = web.Application()
            app.router.add_get("/metrics", handler)
            server = TestServer(app)
            await stack.enter_async_context(server)
            return f"127.0.0.1:{server.port}"

        yield start


def test_the_page_of_a_real_pod_is_understood() -> None:
    metrics = Metrics(20, "desk", drain_timeout_s=900)
    metrics.active_calls(7)
    assert parse(b"".join(metrics.page("text/plain")[0])) == 7


async def test_a_pod_is_asked_for_this_one_metric(serve: Serve) -> None:
    metrics = Metrics(20, "desk", drain_timeout_s=900)
    metrics.active_calls(7)
    pages: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        names = request.query.getall("name[]", [])
        pages.append(b"".join(metrics.page(request.headers["Accept"], names)[0]))
        return web.Response(body=pages[-1])

    pod = await serve(answer)
    async with PodCalls() as pods:
        assert await pods.ask([pod]) == {pod: 7}
    assert len(pages[0].splitlines()) == 3


async def test_each_pod_tells_its_own(serve: Serve) -> None:
    one, two = await serve(says(page("3.0"))), await serve(says(page("0.0")))
    async with PodCalls() as pods:
        assert await pods.ask([one, two]) == {one: 3, two: 0}
        assert await pods.ask([]) == {}


@pytest.mark.parametrize(
    "broken",
    [
        says(b""),
        says(b"interject_active_calls_total 3\n"),
        says(page("many")),
        says(page("NaN")),
        says(page("-1")),
        says(page("+Inf")),
        says(page("3.0"), 503),
        says(b" " * (module.MAX_PAGE_BYTES + 1) + page("3.0")),
        says(b"\x1f\x8b", 200, {"Content-Encoding": "gzip"}),
    ],
)  # fmt: skip
async def test_what_is_no_number_of_calls_is_unknown_and_never_0(
    serve: Serve, broken: Handler
) -> None:
    bad, good = await serve(broken), await serve(says(page("3.0")))
    async with PodCalls() as pods:
        assert await pods.ask([bad, good]) == {bad: None, good: 3}


async def test_a_pod_that_sends_elsewhere_is_unknown(serve: Serve) -> None:
    good = await serve(says(page("3.0")))
    sends = await serve(says(b"", 302, {"Location": f"http://{good}/metrics"}))
    async with PodCalls() as pods:
        assert await pods.ask([sends]) == {sends: None}


async def test_a_pod_that_is_gone_is_unknown(serve: Serve) -> None:
    good = await serve(says(page("3.0")))
    nowhere = ["127.0.0.1:1", "nowhere.invalid:1650", "[::1]:1"]
    async with PodCalls() as pods:
        assert await pods.ask([*nowhere, good]) == {**dict.fromkeys(nowhere), good: 3}


async def test_a_pod_that_takes_too_long_is_unknown(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POD_DEADLINE_S", 0.1)

    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"# ")
                await asyncio.sleep(0.01)
        return response

    slow = [await serve(hang), await serve(trickle)]
    good = await serve(says(page("3.0")))
    async with PodCalls() as pods:
        assert await pods.ask([*slow, good]) == {**dict.fromkeys(slow), good: 3}


async def test_a_page_without_end_is_not_read_to_its_end(serve: Serve) -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while written < 1 << 30:
                await response.write(b" " * 65536)
                written += 65536
        return response

    async with PodCalls() as pods:
        address = await serve(endless)
        assert await pods.ask([address]) == {address: None}
    assert written < 1 << 30


async def test_many_pods_are_asked_a_few_at_a_time(serve: Serve) -> None:
    asked, most = 0, 0
    enough = asyncio.Event()

    async def count(request: web.Request) -> web.Response:
        nonlocal asked, most
        asked += 1
        most = max(most, asked)
        if most == MOST_AT_A_TIME:
            enough.set()
        await enough.wait()
        asked -= 1
        return web.Response(body=page("1.0"))

    address = await serve(count)
    async with PodCalls() as pods:
        many = await asyncio.gather(*(pods.ask([address]) for _ in range(2 * MOST_AT_A_TIME)))
    assert all(calls == {address: 1} for calls in many)
    assert most == MOST_AT_A_TIME


async def test_the_time_for_all_ends_the_question(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALL_DEADLINE_S", 0.1)

    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    slow, good = await serve(hang), await serve(says(page("3.0")))
    async with PodCalls() as pods:
        assert await pods.ask([slow, good]) == {slow: None, good: 3}


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_page_is_understood_or_refused(junk: bytes) -> None:
    with suppress(ValueError):
        assert parse(junk) >= 0
