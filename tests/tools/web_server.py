"""A web server on loopback for HTTP tools, with the answers that real ones give on bad days."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SECRET = "Bearer tok-81b2c3"
MEGABYTES_20 = 20 * 1024 * 1024


@dataclass
class WebServer:
    """What it was asked, and how to reach it."""

    url: str = ""
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Method, path with query as sent, body."""
    headers: list[dict[str, str]] = field(default_factory=list)
    clients: set[object] = field(default_factory=set)
    """Addresses of the connections."""
    elsewhere: str = ""
    """Where /moved leads to."""
    sent_bytes: int = 0
    """Of the huge answer."""
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    """A request hangs."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Its client has gone."""


@asynccontextmanager
async def web_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    """Serve until the end of the block."""
    seen = WebServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", _Answers(seen).answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    seen.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    try:
        yield seen
    finally:
        await runner.cleanup()


class _Answers:
    """One answer by path; others are echoed as JSON."""

    def __init__(self, seen: WebServer) -> None:
        self._seen = seen

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self._seen.requests.append((request.method, request.raw_path, body))
        self._seen.headers.append(dict(request.headers))
        assert request.transport is not None
        self._seen.clients.add(request.transport.get_extra_info("peername"))
        match request.path.split("/")[1]:
            case "page":
                return web.Response(text=PAGE, content_type="text/html")
            case "error":
                return web.Response(status=500, text=PAGE, content_type="text/html")
            case "missing":
                return web.json_response({"error": "no such order"}, status=404)
            case "nothing":
                return web.Response(status=204)
            case "picture":
                return web.Response(body=b"\x89PNG\r\n\x1a\n\x00", content_type="image/png")
            case "latin":
                return web.Response(body="Zoë".encode("latin-1"), content_type="text/plain",
                                    charset="iso-8859-1")  # fmt: skip
            case "packed":
                packed = web.json_response({"a": "b" * 10_000})
                packed.enable_compression(web.ContentCoding.gzip, strategy=0)
                packed.headers["Content-Encoding"] = "gzip"
                return packed
            case "key":
                return web.json_response(
                    {"error": f"invalid key {request.headers['Authorization']}"}, status=401
                )
            case "moved":
                code = {"301": 301, "303": 303}.get(request.path.split("/")[-1], 307)
                return web.Response(status=code, headers={"Location": self._seen.elsewhere})
            case "cookie":
                response = web.Response(text="ok")
                response.set_cookie("session", "of-one-caller")
                return response
            case "slow":
                return await self._hang()
            case "huge":
                return await self._huge(request)
            case _:
                return web.json_response(
                    {"path": request.raw_path, "body": body.decode(), "ok": True},
                    dumps=_with_blanks,
                )

    async def _hang(self) -> web.Response:
        self._seen.hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._seen.gone.set()
        raise AssertionError

    async def _huge(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        try:
            while self._seen.sent_bytes < MEGABYTES_20:
                await response.write(b"0123456789abcdef" * 4096)
                self._seen.sent_bytes += 65_536
        except ConnectionError:
            pass
        finally:
            self._seen.gone.set()
        return response


def _with_blanks(value: object) -> str:
    return json.dumps(value, indent=8)


PAGE = """<!doctype html><html><head><title>Order desk</title><style>p { color: red }</style>
<script>var secret = "<p>not text</p>";</script></head>
<body><h1>Orders</h1><p>Your order &amp; its   parts
are <b>late</b>.</p><ul><li>one</li><li>two</li></ul><!-- hidden --></body></html>"""


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[str]:
    """Answer every connection with these bytes and close it; gives the URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # With its body: a connection that is closed with unread bytes is reset.
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
