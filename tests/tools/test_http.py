"""HTTP tools against a web server: what is sent, and what the model is told of each answer."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from media_pod.manifest.tools import HttpToolSettings
from media_pod.manifest.validation import SpecError
from media_pod.providers.chat import JsonObject
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.tools.http import HttpTools
from media_pod.tools.http_answer import MAX_BODY_BYTES
from media_pod.tools.ports import MAX_RESULT_CHARACTERS, ToolResult
from self_signed import write_pair
from tools.web_server import MEGABYTES_20, SECRET, WebServer, raw_server, web_server

FREE = {"type": "object", "properties": {"id": {}, "q": {}}}
SECRET_HEADER = {"name": "Authorization", "valueFrom": {"env": "KEY"}}


def settings(url: str, **others: Any) -> HttpToolSettings:
    document = {
        "kind": "http",
        "name": "orders",
        "description": "Finds an order.",
        "url": url,
        "parameters": FREE,
    }
    return HttpToolSettings.model_validate(document | others)


@asynccontextmanager
async def started(one: HttpToolSettings, headers: Mapping[str, str]) -> AsyncIterator[HttpTools]:
    tools = HttpTools([(one, headers)])
    await tools.start()
    try:
        yield tools
    finally:
        await tools.aclose()


async def call(
    url: str,
    arguments: JsonObject | None = None,
    headers: Mapping[str, str] | None = None,
    **others: Any,
) -> ToolResult:
    async with started(settings(url, **others), headers or {}) as tools:
        return await tools.tools[0].call(arguments or {})


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with web_server() as running:
        yield running


async def test_a_get_sends_other_arguments_as_its_query(server: WebServer) -> None:
    result = await call(
        server.url + "/orders/{id}?all=1",
        {"id": "a/b", "q": ["x y", {"z": "é"}], "n": None, "t": True},
        method="GET",
    )
    assert server.requests == [
        ("GET", "/orders/a%2Fb?all=1&q=x%20y&q=%7B%22z%22%3A%20%22%C3%A9%22%7D&t=true", b"")
    ]
    assert not result.is_error
    assert result.text.startswith('{"path":"/orders/a%2Fb')
    assert result.text.endswith('"ok":true}')


async def test_a_post_sends_other_arguments_as_json(server: WebServer) -> None:
    await call(server.url + "/orders/{id}", {"id": "7", "q": "é"}, {"X-Desk": " a\n"})
    method, path, body = server.requests[0]
    assert (method, path, json.loads(body)) == ("POST", "/orders/7", {"q": "é"})
    assert server.headers[0]["Content-Type"] == "application/json"
    assert server.headers[0]["X-Desk"] == "a"


async def test_arguments_that_do_not_fit_are_not_sent(server: WebServer) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    for arguments, found in (({}, "no id"), ({"id": ".."}, "'..'"), ({"id": 1}, "found 1")):
        result = await call(server.url + "/{id}", arguments, parameters=schema)
        assert result.is_error
        assert found in result.text
    assert server.requests == []


@pytest.mark.parametrize(
    ("path", "is_error", "told"),
    [
        ("/missing", True, 'HTTP status 404: {"error":"no such order"}'),
        ("/nothing", False, "Done; HTTP status 204, no content."),
        ("/picture", True, "The answer is binary (image/png, 9 bytes); expected JSON or text."),
        ("/latin", False, "Zoë"),
        ("/packed", True, "The answer is binary (application/gzip"),
        (
            "/page",
            False,
            "(text of an HTML page, not JSON) Order desk\nOrders\nYour order & its parts are late.",
        ),
        ("/error", True, "HTTP status 500: (text of an HTML page, not JSON) Order desk"),
    ],
)
async def test_the_model_is_told_the_answer_as_text(
    server: WebServer, path: str, is_error: bool, told: str
) -> None:
    result = await call(server.url + path)
    assert result.is_error == is_error
    assert result.text.startswith(told)


async def test_of_a_huge_answer_a_part_is_read_and_the_cut_is_told(server: WebServer) -> None:
    result = await call(server.url + "/huge")
    assert not result.is_error
    assert len(result.text) <= MAX_RESULT_CHARACTERS
    assert f"only the first {MAX_BODY_BYTES} bytes" in result.text
    assert result.text.endswith("the first of them above]")
    await server.gone.wait()
    # What the sockets between them hold is beyond what was read.
    assert server.sent_bytes < MEGABYTES_20 / 2


async def test_a_slow_server_is_an_error_and_its_request_is_cancelled(server: WebServer) -> None:
    result = await call(server.url + "/slow", timeoutSeconds=0.1)
    assert result == ToolResult(
        "orders: 127.0.0.1: no answer in time. The request was perhaps carried out.", True
    )
    await server.gone.wait()


async def test_a_cancelled_call_cancels_the_request(server: WebServer) -> None:
    task = asyncio.create_task(call(server.url + "/slow"))
    await server.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.gone.wait()


async def test_redirects_are_not_followed_without_listed_hosts(server: WebServer) -> None:
    server.elsewhere = server.url + "/other"
    result = await call(server.url + "/moved")
    assert result.is_error
    assert "127.0.0.1' not followed; allowed: no redirect" in result.text
    assert len(server.requests) == 1


async def test_redirects_to_hosts_that_are_not_listed_are_not_followed(server: WebServer) -> None:
    for elsewhere in ("http://localhost:1/", "http://user:pw@127.0.0.1:1/", "//evil.example/"):
        server.elsewhere = elsewhere
        result = await call(server.url + "/moved", allowedHosts=["127.0.0.1"])
        assert result.is_error
        assert "not followed; allowed: " in result.text


@pytest.mark.parametrize(
    ("code", "method", "body"), [("307", "POST", b'{"q": "x"}'), ("303", "GET", b"")]
)
async def test_redirects_to_listed_hosts_are_followed_without_the_secrets(
    server: WebServer, code: str, method: str, body: bytes
) -> None:
    port = server.url.rpartition(":")[2]
    server.elsewhere = f"http://localhost:{port}/other"
    headers = {"Authorization": SECRET, "X-Key": "k"}
    hosts = ["127.0.0.1", "localhost"]
    result = await call(server.url + f"/moved/{code}", {"q": "x"}, headers, allowedHosts=hosts)
    assert not result.is_error
    assert server.requests[1] == (method, "/other", body)
    assert server.headers[0]["Authorization"] == SECRET
    assert not {"Authorization", "X-Key"} & server.headers[1].keys()


async def test_a_circle_of_redirects_ends(server: WebServer) -> None:
    server.elsewhere = server.url + "/moved"
    result = await call(server.url + "/moved", allowedHosts=["127.0.0.1"])
    assert result.is_error
    assert "more than 3 redirects" in result.text
    assert len(server.requests) == 4


async def test_secrets_are_not_told(server: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="media_pod"):
        one = settings(server.url + "/key", headers=[SECRET_HEADER])
        async with started(one, {"Authorization": SECRET}) as tools:
            result = await tools.tools[0].call({})
    assert server.headers[0]["Authorization"] == SECRET
    assert "HTTP status 401" in result.text
    assert "[secret]" in result.text
    assert "tok-81b2c3" not in result.text + caplog.text


async def test_one_caller_does_not_get_the_cookies_of_another(server: WebServer) -> None:
    async with started(settings(server.url + "/cookie"), {}) as tools:
        for _ in range(2):
            await tools.tools[0].call({})
    assert "Cookie" not in server.headers[1]


async def test_calls_use_one_connection_again(server: WebServer) -> None:
    async with started(settings(server.url + "/x"), {}) as tools:
        for _ in range(3):
            assert not (await tools.tools[0].call({})).is_error
    assert len(server.requests) == 3
    assert len(server.clients) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "connection broken"),
        (b"SSH-2.0-OpenSSH\r\n", "connection broken"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "connection broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "connection broken"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n", "not followed"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=zip\r\n\r\n\xffok", "\ufffdok"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{broken", "{broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: ;;/\r\n\r\nhello", "hello"),
        (b"HTTP/1.1 200 OK\r\n\r\na\x00b", "binary"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p <!-- <![x a", "HTML"),
    ],
)
async def test_garbage_is_no_exception(answer: bytes, told: str) -> None:
    async with raw_server(answer) as url:
        assert told in (await call(url)).text


async def test_a_server_that_is_not_there_is_explained(unused_tcp_port: int) -> None:
    result = await call(f"http://127.0.0.1:{unused_tcp_port}/")
    assert result.text == (
        "orders: 127.0.0.1: connection refused. The request was not carried out."
    )
    result = await call("http://no-such-host.invalid/")
    assert "name not found" in result.text


async def test_a_certificate_that_is_not_trusted_is_explained(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "self")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair.certificate, pair.key)
    async with web_server(tls) as server:
        result = await call(server.url + "/")
        assert "TLS: self-signed certificate" in result.text
        async with started(settings(server.url + "/"), {}) as tools:
            with pytest.raises(ProviderError, match="TLS: self-signed certificate"):
                await tools.check()
        async with started(settings(server.url.replace("https", "http")), {}) as tools:
            assert (await tools.tools[0].call({})).is_error


async def test_check_reaches_the_server_without_a_request(
    server: WebServer, unused_tcp_port: int
) -> None:
    async with started(settings(server.url + "/x"), {}) as tools:
        assert await tools.check() == "HTTP tools: 1, servers reached: 1"
    assert server.requests == []
    async with started(settings(f"http://127.0.0.1:{unused_tcp_port}/"), {}) as tools:
        with pytest.raises(ProviderError, match=r"tool orders: .*refused") as failed:
            await tools.check()
        assert failed.value.kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize(
    ("others", "headers", "found"),
    [
        ({"url": "http://a/{nmae}"}, {}, "{nmae}"),
        ({"parameters": {"type": "objct"}}, {}, "objct"),
        ({}, {"X-Key": "one\ntwo"}, "value of X-Key"),
        ({}, {"X-Key": "\u20ac"}, "value of X-Key"),
    ],
)
def test_settings_are_checked_when_they_are_loaded(
    others: dict[str, Any], headers: dict[str, str], found: str
) -> None:
    with pytest.raises(SpecError) as failed:
        HttpTools([(settings("http://a/").model_copy(update=others), headers)])
    assert str(failed.value).startswith("tool orders: ")
    assert found in str(failed.value)
    assert "two" not in str(failed.value)
