"""The API's socket: it opens, closes, and does not wait for ever for anybody."""

import asyncio
import logging
import socket

import pytest
from aiohttp import ClientSession, web
from aiohttp.http_exceptions import BadStatusLine

from media_pod.errors import SetupError
from media_pod.pod.http import server
from media_pod.pod.http.malformed import RequestLog
from media_pod.pod.http.server import ControlServer


def make_app() -> web.Application:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def test_port_zero_binds_a_free_port_that_can_be_read() -> None:
    control = ControlServer(make_app(), "127.0.0.1", 0)
    await control.start()
    assert control.port > 0
    async with (
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{control.port}/") as response,
    ):
        assert await response.text() == "hello"
    await control.stop()


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
async def test_the_any_address_of_ipv6_serves_both_families(address: str) -> None:
    control = ControlServer(make_app(), "::", 0)
    await control.start()
    url = f"http://{address}:{control.port}/"
    async with ClientSession() as session, session.get(url) as response:
        assert await response.text() == "hello"
    await control.stop()


async def test_after_stop_the_port_is_free_and_stop_may_be_called_again() -> None:
    first = ControlServer(make_app(), "127.0.0.1", 0)
    await first.start()
    port = first.port
    await first.stop()
    await first.stop()
    second = ControlServer(make_app(), "127.0.0.1", port)
    await second.start()
    assert second.port == port
    await second.stop()


async def test_a_port_in_use_names_the_address_and_the_next_step() -> None:
    given_back: list[web.Application] = []

    async def give_back(app: web.Application) -> None:
        given_back.append(app)

    app = make_app()
    app.on_cleanup.append(give_back)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        control = ControlServer(app, "127.0.0.1", port)
        with pytest.raises(SetupError) as caught:
            await control.start()
    assert str(caught.value) == (
        f"HTTP address 127.0.0.1:{port} is in use by another process; stop that one, or set "
        "spec.server.httpPort to another port (0: any free one)"
    )
    assert given_back == [app]


async def test_an_address_of_another_machine_is_refused() -> None:
    control = ControlServer(make_app(), "192.0.2.1", 0)
    with pytest.raises(
        SetupError, match=r"192\.0\.2\.1:0 cannot be bound .*spec\.server\.bindHost"
    ):
        await control.start()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
async def test_a_request_that_never_becomes_whole_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "IDLE_DEADLINE_S", 0.05)
    control = ControlServer(make_app(), "127.0.0.1", 0)
    await control.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    writer.write(sent)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    await control.stop()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff\x01" * 10 + b"\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"b" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n",
    ],
)
async def test_junk_and_oversized_requests_are_refused_and_closed(sent: bytes) -> None:
    control = ControlServer(make_app(), "127.0.0.1", 0)
    await control.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    writer.write(sent)
    assert (await reader.read()).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    writer.close()
    await writer.wait_closed()
    await control.stop()


JUNK = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n",
    b"HELO there\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)


async def test_malformed_requests_are_counted_and_logged_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    refused: list[int] = []
    control = ControlServer(make_app(), "127.0.0.1", 0, lambda: refused.append(1))
    await control.start()
    for sent in JUNK * 5:
        reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
        writer.write(sent)
        assert (await reader.read()).startswith((b"HTTP/1.0 4", b"HTTP/1.1 4"))
        writer.close()
        await writer.wait_closed()
    await control.stop()

    lines = [record for record in caplog.records if record.name.startswith(("media", "aiohttp"))]
    assert [record.levelname for record in lines] == ["WARNING"]
    assert "refused 1 malformed HTTP requests, the latest from 127.0.0.1: " in caplog.text
    assert "Traceback" not in caplog.text
    assert len(refused) >= 5 * len(JUNK) - 5, "a body that is junk may be answered for its path"


def malformed(log: RequestLog) -> None:
    try:
        raise BadStatusLine("\x00")
    except BadStatusLine:
        log.exception("Error handling request from %s", "192.0.2.7")


def test_a_flood_of_malformed_requests_is_a_line_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now_s, counted = [5.0], list[int]()
    log = RequestLog(lambda: counted.append(1), lambda: now_s[0])
    for second in range(25):
        now_s[0] = 5.0 + second
        for _ in range(100):
            malformed(log)

    counts = [record.getMessage().split()[1] for record in caplog.records]
    assert counts == ["1", "1000", "1000"]
    assert len(counted) == 2500


def test_faults_of_the_server_keep_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log = RequestLog(lambda: None)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        log.exception("Unhandled exception")
    assert "ZeroDivisionError" in caplog.text


async def test_nothing_waits_on_for_a_client_that_has_gone() -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        came.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return web.Response()

    app = make_app()
    app.router.add_get("/wait", wait)
    control = ControlServer(app, "127.0.0.1", 0)
    await control.start()
    _, writer = await asyncio.open_connection("127.0.0.1", control.port)
    writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    await came.wait()
    writer.close()
    async with asyncio.timeout(5):
        await left.wait()
    await control.stop()


async def test_stop_closes_idle_connections() -> None:
    control = ControlServer(make_app(), "127.0.0.1", 0)
    await control.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
    await control.stop()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
