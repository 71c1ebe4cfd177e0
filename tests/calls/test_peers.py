"""Peers over HTTP: who has room, who knows a call, and peers that are no help."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media_pod.calls.answers import Next, NextStep, StillConnectedError
from media_pod.calls.peers import MOST_ASKED, HttpPeers
from media_pod.dialogues.ports import CallInfo

CALL = CallInfo("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "+49 30", "100")
HERE = {"next": "connect", "address": "10.0.0.2:3000"}
CONNECT = Next(NextStep.CONNECT, address="10.0.0.2:3000")

Serve = Callable[..., Awaitable[str]]

patient_peers: Final = partial(HttpPeers, deadline_s=20.0)
"""For peers that answer: a machine that stalls is none of their cases."""


def in_order(peers: list[tuple[str, int]]) -> None:
    """In place of a shuffle: peers are asked in the order in which they were given."""


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a peer that always answers the same; gives its address, remembers its questions."""
    async with AsyncExitStack() as stack:

        async def start(body: Any, status: int = 200, asked: list[str] | None = None) -> str:
            async def answer(request: web.Request) -> web.Response:
                if asked is not None:
                    asked.append(request.path_qs)
                text = body if isinstance(body, str) else json.dumps(body)
                return web.Response(status=status, text=text, content_type="application/json")

            app = web.Application()
            app.router.add_get("/{path:.*}", answer)
            server = TestServer(app)
            await stack.enter_async_context(server)
            return f"127.0.0.1:{server.port}"

        yield start


async def test_room_is_asked_for_until_somebody_has_it(serve: Serve) -> None:
    first: list[str] = []
    third: list[str] = []
    addresses = [await serve({}, 503, first), await serve(HERE), await serve(HERE, 200, third)]

    assert await patient_peers(addresses, shuffle=in_order).start(CALL) == CONNECT

    assert first == [f"/api/call-start?uuid={CALL.uuid}&from=%2B49+30&to=100&hop=1"]
    assert third == []


async def test_a_peer_is_told_of_the_calls_trace(serve: Serve) -> None:
    asked: list[str] = []
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await patient_peers([await serve(HERE, 200, asked)]).next(
        CallInfo(CALL.uuid, "", "", parent, 0)
    )
    assert asked[0].endswith(f"&hop=1&traceparent={parent}&leg=0")


async def test_the_peer_that_knows_a_call_says_what_follows(serve: Serve) -> None:
    knows = await serve({"next": "goto", "goto": "phones,200,1"})
    peers = patient_peers([await serve({}, 404), knows, await serve({}, 404)])
    assert await peers.next(CALL) == Next(NextStep.GOTO, goto="phones,200,1")
    assert await patient_peers([await serve({"next": "done"})]).next(CALL) == Next(NextStep.DONE)


async def test_a_call_that_nobody_knows_is_nobody_s(serve: Serve) -> None:
    assert await patient_peers([await serve({}, 404), await serve({}, 500)]).next(CALL) is None


async def test_a_call_that_is_connected_elsewhere_is_not_taken(serve: Serve) -> None:
    with pytest.raises(StillConnectedError):
        await patient_peers([await serve({}, 404), await serve({}, 409)]).next(CALL)


@pytest.mark.parametrize(
    "junk",
    ["", "<html>", "[", "null", "[1]", '{"next": "fly"}', '{"next": "connect"}',
     '{"next": "connect", "address": 7}', '{"next": "goto", "goto": ""}', " " * 5000],
)  # fmt: skip
async def test_junk_is_no_answer(serve: Serve, junk: str) -> None:
    peers = patient_peers([await serve(junk), await serve(HERE)], shuffle=in_order)
    assert await peers.start(CALL) == CONNECT


async def test_an_answer_without_end_is_not_read_to_its_end(serve: Serve) -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while written < 1 << 30:
                await response.write(b" " * 65536)
                written += 65536
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", endless)
    async with TestServer(app) as server:
        peers = patient_peers([f"127.0.0.1:{server.port}", await serve(HERE)], shuffle=in_order)
        assert await peers.start(CALL) == CONNECT
    assert written < 1 << 30


async def test_peers_that_are_gone_cost_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    peers = patient_peers(["127.0.0.1:1", "nowhere.invalid:1650", await serve(HERE)])
    assert await peers.start(CALL) == CONNECT
    assert "nowhere.invalid:1650: its name is not found" in caplog.text


async def test_a_peer_that_hangs_is_given_up() -> None:
    async with asyncio.timeout(5):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host, port = silent.getsockname()
            assert await HttpPeers([f"{host}:{port}"], deadline_s=0.05).next(CALL) is None


async def test_of_a_large_fleet_only_some_are_asked(serve: Serve) -> None:
    asked: list[str] = []
    port = (await serve({}, 503, asked)).rpartition(":")[2]
    addresses = [f"127.0.0.{host}:{port}" for host in range(1, MOST_ASKED + 10)]
    addresses[:0] = ["localhost:" + port, "127.0.0.1:" + port]

    assert await patient_peers(addresses, shuffle=in_order).start(CALL) is None

    assert len(asked) == 1, "an address that has two names is one peer, and the others refuse"


async def test_a_peer_is_told_of_the_calls_variables(serve: Serve) -> None:
    asked: list[str] = []
    variables = {"name": "Ann & Lee", "order": "42"}
    call = CallInfo(CALL.uuid, variables=variables)
    assert await patient_peers([await serve(HERE, 200, asked)]).start(call) == CONNECT
    query = parse_qs(asked[0].partition("?")[2])
    assert (query["var.name"], query["var.order"]) == (["Ann & Lee"], ["42"])
