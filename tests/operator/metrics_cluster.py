"""A cluster around the metrics API: an API server, media pods, and certificates between them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from kubernetes.aio.client import Configuration
from pki import Authority, Certificate

from voiceagent_operator.agents.names import AGENT
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import POD, SECRET, Json
from voiceagent_operator.media_pods import PodCalls
from voiceagent_operator.metrics_api.access import CONFIG_PATH, REVIEWS
from voiceagent_operator.metrics_api.certificates import CertificateFiles, Source
from voiceagent_operator.metrics_api.server import MetricsServer

AUTOSCALER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


def pod(name: str, port: int, *, ready: bool = True, going: bool = False) -> Json:
    metadata: Json = {"name": name, "labels": {AGENT: "reception"}}
    if going:
        metadata["deletionTimestamp"] = "2026-11-26T00:00:00Z"
    ports = [{"name": "http", "containerPort": port}]
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "sidecar"}, {"name": "media", "ports": ports}]},
        "status": {
            "podIP": "127.0.0.1",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


@dataclass
class Kube:
    """As much of an API server as the metrics API asks."""

    front_proxy_ca: str
    allowed_names: str = '["front-proxy-client"]'
    pods: list[Json] = field(default_factory=list)
    allowed: set[tuple[str, str]] = field(default_factory=lambda: {(AUTOSCALER, "voice")})
    """User and namespace."""
    page: int = 100
    away: bool = False
    asked: list[str] = field(default_factory=list)
    """Selectors of the lists that were asked for."""
    reviews: list[Json] = field(default_factory=list)
    secret: Json | None = None
    """With the certificate that the leader makes."""

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._away])
        app.router.add_get(CONFIG_PATH, self._config)
        app.router.add_post(REVIEWS, self._review)
        app.router.add_get(POD.path("voice"), self._list)
        app.router.add_get(POD.path("voice", "{name}"), self._get)
        app.router.add_get(SECRET.path("voice", "operator-metrics"), self._secret)
        return app

    @web.middleware
    async def _away(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.away:
            return web.json_response({"reason": "Away", "message": "etcd is away"}, status=500)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _config(self, request: web.Request) -> web.Response:
        data = {
            "requestheader-client-ca-file": self.front_proxy_ca,
            "requestheader-allowed-names": self.allowed_names,
        }
        return web.json_response({"data": data})

    async def _review(self, request: web.Request) -> web.Response:
        spec = (await request.json())["spec"]
        self.reviews.append(spec)
        allowed = (spec["user"], spec["resourceAttributes"]["namespace"]) in self.allowed
        return web.json_response({"status": {"allowed": allowed}})

    async def _secret(self, request: web.Request) -> web.Response:
        if self.secret is None:
            raise web.HTTPNotFound
        return web.json_response(self.secret)

    async def _list(self, request: web.Request) -> web.Response:
        selector = request.query["labelSelector"]
        self.asked.append(selector)
        if "!!" in selector:
            return web.json_response({"message": "unable to parse requirement"}, status=400)
        begin = int(request.query.get("continue", "0"))
        end = begin + min(self.page, int(request.query["limit"]))
        metadata = {"continue": str(end)} if end < len(self.pods) else {}
        pods = [pod for pod in self.pods[begin:end] if AGENT in pod["metadata"]["labels"]]
        return web.json_response({"items": pods or None, "metadata": metadata})

    async def _get(self, request: web.Request) -> web.Response:
        for each in self.pods:
            if each["metadata"]["name"] == request.match_info["name"]:
                return web.json_response(each)
        raise web.HTTPNotFound


@dataclass
class World:
    """All of it, and a client that may be the API server."""

    kube: Kube
    folder: Path
    serving_ca: Authority
    front_proxy: Authority
    serving: Certificate
    proxy_client: Certificate
    stack: AsyncExitStack
    api: ApiServer
    pod_calls: PodCalls
    port: int = field(default_factory=unused_port)
    now_s: float = 1000.0
    step: asyncio.Event = field(default_factory=asyncio.Event)
    asked_pods: int = 0
    believed: str = ""
    """CAs, PEM, by which it is known instead of `serving_ca`."""
    host: str | None = None
    """The name by which it is asked for; None for its address."""

    async def media_pod(self, calls: float) -> int:
        """Starts a pod that has so many calls; gives its port."""

        async def metrics(request: web.Request) -> web.Response:
            self.asked_pods += 1
            return web.Response(text=f"interject_active_calls {calls}\n")

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        server = TestServer(app)
        await self.stack.enter_async_context(server)
        assert server.port is not None
        return server.port

    async def sleep(self, wait_s: float) -> None:
        """The server's pauses are over when the test says so."""
        await self.step.wait()
        self.step.clear()
        self.now_s += wait_s

    async def serve(self, source: Source | None = None) -> None:
        """Starts the metrics API, by default with the files; returns when it listens."""
        server = MetricsServer(
            *(self.api, self.pod_calls, "127.0.0.1", self.port),
            source or CertificateFiles(self.serving.certificate, self.serving.key),
            clock=lambda: self.now_s,
            sleep=self.sleep,
        )
        task = asyncio.create_task(server.run())

        async def stop() -> None:
            task.cancel()
            await asyncio.wait((task,))

        self.stack.push_async_callback(stop)
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            listening.cancel()
            await task

    async def get(
        self,
        path: str,
        user: str = AUTOSCALER,
        groups: tuple[str, ...] = ("system:authenticated",),
        client: Certificate | None = None,
        method: str = "GET",
    ) -> tuple[int, Json]:
        """As the API server asks for a user."""
        own = client or self.proxy_client
        context = ssl.create_default_context(cadata=self.believed or self.serving_ca.pem)
        context.load_cert_chain(own.certificate, own.key)
        headers = [("X-Remote-User", user), *(("X-Remote-Group", group) for group in groups)]
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            session.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                headers=headers,
                server_hostname=self.host,
            ) as answer,
        ):
            return answer.status, json.loads(await answer.read() or b"{}")


@dataclass(frozen=True)
class Pki:
    """The certificates of a cluster; they take their time to make, and serve many tests."""

    serving_ca: Authority
    front_proxy: Authority
    serving: Certificate
    proxy_client: Certificate


def make_pki(folder: Path) -> Pki:
    front_proxy, serving_ca = Authority(folder, "front-proxy-ca"), Authority(folder, "serving-ca")
    return Pki(
        serving_ca,
        front_proxy,
        serving_ca.issue("metrics", "serverAuth", "IP:127.0.0.1"),
        front_proxy.issue("front-proxy-client", "clientAuth"),
    )


@asynccontextmanager
async def world_in(folder: Path, pki: Pki) -> AsyncIterator[World]:
    kube = Kube(pki.front_proxy.pem)
    serving = Certificate(folder / "tls.crt", folder / "tls.key")
    serving.take(pki.serving)
    async with AsyncExitStack() as stack:
        server = TestServer(kube.app())
        await stack.enter_async_context(server)
        api = ApiServer(Configuration(host=f"http://127.0.0.1:{server.port}"))
        stack.push_async_callback(api.aclose)
        pod_calls = await stack.enter_async_context(PodCalls())
        known = (pki.serving_ca, pki.front_proxy, serving, pki.proxy_client)
        yield World(kube, folder, *known, stack, api, pod_calls)
