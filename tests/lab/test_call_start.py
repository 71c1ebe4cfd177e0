import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from interject_lab.errors import LabError
from interject_lab.telephones.call_start import ask_call_start

CALL = UUID("0b0e9c1e-6f6b-4a0e-9a6b-3d4f1c2b5a69")


@asynccontextmanager
async def api(status: int, text: str, seen: list[web.Request] | None = None) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append(request)
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/api/call-start", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:3000", ("127.0.0.1", 3000)),
        ("pod-1.media:3000\r\n", ("pod-1.media", 3000)),
        ("[::1]:3000", ("::1", 3000)),
    ],
)
async def test_the_address_is_taken_from_the_answer(text: str, address: tuple[str, int]) -> None:
    async with api(200, text) as url:
        assert await ask_call_start(url, CALL) == address


async def test_it_asks_as_the_dialplan_asks() -> None:
    seen: list[web.Request] = []
    async with api(200, "a:1", seen) as url:
        await ask_call_start(url, CALL, from_number="100", to_number="200")
    query = dict(seen[0].query)
    assert query == {"uuid": str(CALL), "from": "100", "to": "200", "try": "1"}


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (503, "full", "says 503, no room"),
        (400, "bad uuid", "says 400 'bad uuid', expected 200"),
        (200, "127.0.0.1", "says '127.0.0.1', expected host:port"),
        (200, "a:99999", "expected host:port"),
        (200, "<html>" * 1000, "expected host:port"),
    ],
)
async def test_any_other_answer_is_told(status: int, text: str, message: str) -> None:
    async with api(status, text) as url:
        with pytest.raises(LabError, match=message):
            await ask_call_start(url, CALL)


async def test_a_port_that_does_not_speak_http_is_told() -> None:
    async with raw_server(b"\x10\x01\x40" + bytes(320)) as url:
        with pytest.raises(LabError, match=r"no HTTP at .* usually port 1650"):
            await ask_call_start(url, CALL)


async def test_a_port_that_closes_is_told() -> None:
    async with raw_server(b"") as url:
        with pytest.raises(LabError, match=r"no HTTP at .* usually port 1650"):
            await ask_call_start(url, CALL)


async def test_nobody_there_is_told(unused_tcp_port_factory: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    with pytest.raises(LabError, match=r"nobody answers at .* is the pod running"):
        await ask_call_start(url, CALL)


async def test_an_address_without_a_scheme_is_told() -> None:
    with pytest.raises(LabError, match=r"read the API address '127\.0\.0\.1:1650', expected http"):
        await ask_call_start("127.0.0.1:1650", CALL)
