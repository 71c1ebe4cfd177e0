"""A proxy in front of the API server that injects faults."""

import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from aiohttp import web
from kubernetes.aio.client.rest import RESTClientObject

from asterisk.world import free_port
from voiceagent_operator.kube.api import find_cluster

_HOP: Final = frozenset({"transfer-encoding", "content-length", "connection", "content-encoding"})
GONE: Final = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "Expired",
        "code": 410,
        "message": "too old resource version",
    },
}


class BadDay:
    """A proxy in plain HTTP.

    Args:
        rate: share of requests and watch events that go wrong, 0 to 1.
        seed: of which.
    """

    def __init__(self, upstream: str, session: aiohttp.ClientSession, rate: float, seed: int):
        self._upstream = upstream
        self._session = session
        self._chance = random.Random(seed)
        self.rate = rate
        self.happened: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, or have it go wrong."""
        watching = request.query.get("watch") == "true"
        if not watching and self._chance.random() < self.rate:
            if (wrong := self._wrong(request)) is not None:
                return wrong
        url = f"{self._upstream}{request.rel_url}"
        dropped = (*_HOP, "host")
        headers = {key: each for key, each in request.headers.items() if key.lower() not in dropped}
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read() or None
        ) as answer:
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            with contextlib.suppress(aiohttp.ClientConnectionResetError):  # the client is gone
                async for line in answer.content:
                    if watching and self._chance.random() < self.rate:
                        return await self._break(request, response, line)
                    await response.write(line)
                await response.write_eof()
            return response

    def _wrong(self, request: web.Request) -> web.Response | None:
        fault = self._chance.choice(["429", "500", "409", "reset"])
        self.happened[fault] += 1
        if fault == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault == "409" and request.method not in ("PUT", "PATCH"):
            return None
        headers = {"Retry-After": "1"} if fault == "429" else {}
        status = {"kind": "Status", "code": int(fault), "reason": "BadDay", "message": "a bad day"}
        return web.json_response(status, status=int(fault), headers=headers)

    async def _break(
        self, request: web.Request, response: web.StreamResponse, line: bytes
    ) -> web.StreamResponse:
        """A watch that expires, or is cut off in the middle of an event."""
        if self._chance.random() < 0.5:
            self.happened["410"] += 1
            await response.write(json.dumps(GONE).encode() + b"\n")
            await response.write_eof()
            return response
        self.happened["cut"] += 1
        await response.write(line[: len(line) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response


@asynccontextmanager
async def bad_day(
    kubeconfig: Path, folder: Path, rate: float, seed: int
) -> AsyncIterator[tuple[Path, BadDay]]:
    """The proxy, and a kubeconfig that leads to it."""
    settings = await find_cluster(kubeconfig)
    tls = aiohttp.TCPConnector(ssl=RESTClientObject(settings).ssl_context, limit=0)
    port = free_port()
    async with aiohttp.ClientSession(
        connector=tls, timeout=aiohttp.ClientTimeout(total=None), auto_decompress=True
    ) as session:
        day = BadDay(settings.host, session, rate, seed)
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/{path:.*}", day.handle)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "bad",
            "clusters": [{"name": "bad", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "bad", "user": {}}],
            "contexts": [{"name": "bad", "context": {"cluster": "bad", "user": "bad"}}],
        }
        path = folder / "bad-day.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        try:
            yield path, day
        finally:
            await runner.cleanup()
