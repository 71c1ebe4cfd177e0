"""kopf's watch of VoiceAgents against an API server on a real socket, with our credentials."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from kubernetes.aio.client import Configuration
from voice_agents import voice_agent

from voiceagent_operator.kube.kinds import VOICE_AGENT, Json
from voiceagent_operator.kube.kopf_watch import connection, watch_with_kopf

UNNAMED_UID = 1_000_680_000
"""In the range that OpenShift assigns to a namespace; it is in no passwd file."""


class Api:
    """Serves VoiceAgents to who has the latest token, one at first and then what is `put`."""

    def __init__(self) -> None:
        self.token = "first"
        self.refused = 0
        self.news: asyncio.Queue[Json] = asyncio.Queue()
        app = web.Application(middlewares=[self._check])
        app.router.add_get("/api", self._core)
        app.router.add_get("/api/v1", self._core_kinds)
        app.router.add_get("/apis", self._groups)
        app.router.add_get(f"/apis/{VOICE_AGENT.api_version}", self._resources)
        app.router.add_get(VOICE_AGENT.path("calls"), self._agents)
        self.server = TestServer(app)

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            self.refused += 1
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        return await handler(request)

    async def _core(self, request: web.Request) -> web.Response:
        return web.json_response({"versions": ["v1"]})

    async def _core_kinds(self, request: web.Request) -> web.Response:
        namespaces = {"name": "namespaces", "kind": "Namespace", "namespaced": False}
        resource = {**namespaces, "singularName": "namespace", "verbs": ["list", "watch"]}
        return web.json_response({"resources": [resource]})

    async def _groups(self, request: web.Request) -> web.Response:
        version = {"groupVersion": VOICE_AGENT.api_version, "version": VOICE_AGENT.version}
        group = {"name": VOICE_AGENT.group, "versions": [version], "preferredVersion": version}
        return web.json_response({"groups": [group]})

    async def _resources(self, request: web.Request) -> web.Response:
        resource = {
            "name": VOICE_AGENT.plural, "singularName": "voiceagent", "kind": VOICE_AGENT.kind,
            "namespaced": True, "verbs": ["get", "list", "watch", "patch"],
        }  # fmt: skip
        return web.json_response({"resources": [resource]})

    async def _agents(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            metadata = {"resourceVersion": "7"}
            return web.json_response({"items": [voice_agent("there")], "metadata": metadata})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            event = await self.news.get()
            await response.write(json.dumps(event).encode() + b"\n")


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    async with api.server:
        yield api


def credentials(api: Api, token: str) -> Configuration:
    cluster = Configuration(host=str(api.server.make_url("")).rstrip("/"))
    cluster.api_key["BearerToken"] = f"Bearer {token}"
    return cluster


async def test_every_event_is_reported_and_a_token_that_was_renewed_is_read_anew(api: Api) -> None:
    seen: asyncio.Queue[tuple[str | None, str]] = asyncio.Queue()
    took: list[bool] = []
    cluster = credentials(api, "outdated")

    def renew(configuration: Configuration) -> None:
        if api.refused:
            configuration.api_key["BearerToken"] = "Bearer first"

    cluster.refresh_api_key_hook = renew

    def on_event(type: str | None, found: Json) -> None:
        seen.put_nowait((type, found["metadata"]["name"]))

    loop = asyncio.get_running_loop()
    watching = asyncio.create_task(
        watch_with_kopf(cluster, ["calls"], lambda: took.append(True), on_event)
    )
    try:
        async with asyncio.timeout(20):
            assert await seen.get() == (None, "there")
            api.news.put_nowait({"type": "MODIFIED", "object": voice_agent("there")})
            assert await seen.get() == ("MODIFIED", "there")
            api.news.put_nowait({"type": "DELETED", "object": voice_agent("there")})
            assert await seen.get() == ("DELETED", "there")
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    assert api.refused >= 1
    assert took == [True]


@pytest.fixture
def unnamed_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of a user ID that has no name, as OpenShift assigns them."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME", "POD_ID"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: UNNAMED_UID)


@pytest.mark.usefixtures("unnamed_user")
async def test_it_watches_under_a_user_id_without_a_name(api: Api) -> None:
    seen: asyncio.Queue[str] = asyncio.Queue()
    cluster = credentials(api, "first")
    watching = asyncio.create_task(
        watch_with_kopf(
            *(cluster, ["calls"], lambda: None),
            lambda _, found: seen.put_nowait(found["metadata"]["name"]),
        )
    )
    loop = asyncio.get_running_loop()
    first = asyncio.create_task(seen.get())
    try:
        async with asyncio.timeout(20):
            await asyncio.wait((watching, first), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        assert first.result() == "there"
    finally:
        for task in (watching, first):
            task.cancel()
        await asyncio.gather(watching, first, return_exceptions=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def test_kopf_logs_in_with_what_the_client_has(api: Api) -> None:
    cluster = credentials(api, "first")
    cluster.ssl_ca_cert, cluster.cert_file, cluster.key_file = "ca.crt", "tls.crt", "tls.key"
    info = await connection(cluster)
    assert info.as_http_headers() == {"Authorization": "Bearer first"}
    assert (info.ca_path, info.certificate_path, info.private_key_path) == (
        *("ca.crt", "tls.crt", "tls.key"),
    )
    assert info.server == cluster.host
    assert not info.insecure


async def test_basic_authentication_and_certificates_alone_work_too(api: Api) -> None:
    cluster = credentials(api, "")
    cluster.api_key["BearerToken"] = "Basic dXNlcjpwYXNzd29yZA=="
    assert (await connection(cluster)).as_http_headers() == {
        "Authorization": "Basic dXNlcjpwYXNzd29yZA=="
    }
    cluster.api_key.clear()
    assert (await connection(cluster)).as_http_headers() == {}
