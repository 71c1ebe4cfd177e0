"""The custom metrics API behind a real API server: aggregation, rights, certificates."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from asterisk.world import free_port
from cluster.aggregation import GROUP, VERSIONS, registered, serving_certificate
from cluster.cluster import Cluster
from voiceagent_operator.agents.names import AGENT
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import POD, Json

SERVER = """
import asyncio, sys
from pathlib import Path
import uvloop
from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.metrics_api.server import MetricsServer
from voiceagent_operator.metrics_api.certificates import CertificateFiles
from voiceagent_operator.media_pods import PodCalls

async def main(kubeconfig, host, port, certificate, key):
    api = ApiServer(await find_cluster(Path(kubeconfig)))
    async with PodCalls() as pod_calls:
        files = CertificateFiles(Path(certificate), Path(key))
        server = MetricsServer(api, pod_calls, host, int(port), files)
        running = asyncio.create_task(server.run())
        await server.listening.wait()
        print("listening", flush=True)
        await running

uvloop.run(main(*sys.argv[1:]))
"""


class Aggregated:
    """The API, as it is registered.

    Args:
        port: where its process listens, on this machine.
    """

    def __init__(self, cluster: Cluster, port: int) -> None:
        self.cluster = cluster
        self.port = port

    def ask(self, namespace: str, what: str, *options: str, version: str = "v1beta2") -> Json:
        """Through the API server; fails the test if that refuses."""
        path = f"/apis/{GROUP}/{version}/namespaces/{namespace}/pods/{what}"
        done = self.cluster.run("get", "--raw", path, *options)
        assert done.returncode == 0, done.stderr
        answer: Json = json.loads(done.stdout)
        return answer


@pytest.fixture
def aggregated(cluster: Cluster, namespace: str) -> Iterator[Aggregated]:
    port = free_port()
    certificate, key = serving_certificate(cluster, namespace, port)
    with _process(cluster, port, certificate, key), registered(cluster, namespace, port):
        yield Aggregated(cluster, port)


@contextmanager
def _process(cluster: Cluster, port: int, certificate: Path, key: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", SERVER, str(cluster.kubeconfig), cluster.own_address),
            *(str(port), str(certificate), str(key)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"listening\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class MediaPods:
    """Pods of the cluster whose process is this one: it answers for their calls."""

    def __init__(self, api: ApiServer, namespace: str, address: str) -> None:
        self._api, self._namespace, self._address = api, namespace, address
        self.runners: list[web.AppRunner] = []
        self.calls: dict[str, int] = {}

    async def add(self, name: str, calls: int) -> None:
        self.calls[name] = calls

        async def metrics(request: web.Request) -> web.Response:
            return web.Response(text=f"interject_active_calls {self.calls[name]}.0\n")

        app = web.Application()
        app.router.add_get("/metrics", metrics)
        runner = web.AppRunner(app)
        self.runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, self._address, port := free_port())
        await site.start()
        await self._api.create(POD.path(self._namespace), self._pod(name, port))
        status = {
            "phase": "Running",
            "podIP": self._address,
            "podIPs": [{"ip": self._address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        await self._api.merge(POD.path(self._namespace, name, "status"), {"status": status})

    def _pod(self, name: str, port: int) -> Json:
        head = POD.head(self._namespace, name)
        container = {
            "name": "media",
            "image": "localhost/interject-media:none",
            "ports": [{"name": "http", "containerPort": port}],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
        return {
            **head,
            "metadata": {**head["metadata"], "labels": {AGENT: "reception", "tier": name}},
            "spec": {
                "containers": [container],
                "nodeName": "none",
                "securityContext": {
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
            },
        }


@pytest.fixture
async def media_pods(cluster: Cluster, api: ApiServer, namespace: str) -> AsyncIterator[MediaPods]:
    pods = MediaPods(api, namespace, cluster.own_address)
    yield pods
    for runner in pods.runners:
        await runner.cleanup()


def values(answer: Json) -> dict[str, str]:
    return {item["describedObject"]["name"]: item["value"] for item in answer["items"]}


async def test_values_come_through_the_api_server_and_are_fresh(
    aggregated: Aggregated, media_pods: MediaPods, namespace: str
) -> None:
    await media_pods.add("first", 3)
    await media_pods.add("second", 0)
    every = "*/interject_active_calls"
    for version in VERSIONS:
        answer = await asyncio.to_thread(aggregated.ask, namespace, every, version=version)
        assert answer["apiVersion"] == f"{GROUP}/{version}"
        assert values(answer) == {"first": "3", "second": "0"}
    chosen = await asyncio.to_thread(aggregated.ask, namespace, f"{every}?labelSelector=tier=first")
    assert values(chosen) == {"first": "3"}

    media_pods.calls["first"] = 9
    began_s = time.monotonic()
    one = "first/interject_active_calls"
    while values(await asyncio.to_thread(aggregated.ask, namespace, one)) != {"first": "9"}:
        assert time.monotonic() < began_s + 2
        await asyncio.sleep(0.1)


async def test_discovery_knows_the_metric(aggregated: Aggregated) -> None:
    for version in VERSIONS:
        path = f"/apis/{GROUP}/{version}"
        done = await asyncio.to_thread(aggregated.cluster.run, "get", "--raw", path)
        names = [each["name"] for each in json.loads(done.stdout)["resources"]]
        assert names == ["pods/interject_active_calls"]


def _grant(namespace: str, user: str) -> list[Json]:
    head: Json = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    head["metadata"] = {"name": "see", "namespace": namespace}
    rule = {"apiGroups": [GROUP], "resources": ["pods/interject_active_calls"], "verbs": ["get"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "see"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    return [
        {**head, "kind": "Role", "rules": [rule]},
        {**head, "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
    ]


async def test_a_user_without_the_right_is_refused_by_the_api_server(
    aggregated: Aggregated, namespace: str
) -> None:
    path = f"/apis/{GROUP}/v1beta2/namespaces/{namespace}/pods/*/interject_active_calls"
    cluster = aggregated.cluster
    done = await asyncio.to_thread(cluster.run, "get", "--raw", path, "--as=mallory")
    assert "Forbidden" in done.stderr

    await asyncio.to_thread(cluster.apply, _grant(namespace, "mallory"))
    await asyncio.to_thread(
        cluster.wait_for,
        "the right to see it",
        lambda: cluster.run("get", "--raw", path, "--as=mallory").returncode == 0,
        20,
    )


async def test_a_client_that_bypasses_the_api_server_gets_nothing(
    aggregated: Aggregated, namespace: str
) -> None:
    cluster = aggregated.cluster
    path = f"/apis/{GROUP}/v1beta2/namespaces/{namespace}/pods/*/interject_active_calls"
    url = f"https://{cluster.own_address}:{aggregated.port}{path}"

    async def status(certificate: tuple[Path, Path] | None, user: str) -> int:
        context = ssl.create_default_context(cafile=str(cluster.ca))
        if certificate:
            context.load_cert_chain(*certificate)
        headers = {"X-Remote-User": user, "X-Remote-Group": "system:authenticated"}
        connector = aiohttp.TCPConnector(ssl=context)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, headers=headers) as answer,
        ):
            return answer.status

    of_users = cluster.issue_cert("alice", "", "/O=system:masters/CN=front-proxy-client")
    for certificate in (None, of_users):
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await status(certificate, "system:admin")

    # Only a rig gives the API server's own certificate away, to a client that has stolen it.
    pki = cluster.folder / "pki"
    stolen = (pki / "front-proxy-client.crt", pki / "front-proxy-client.key")
    assert await status(stolen, "mallory") == 403
    assert await status(stolen, "system:kube-controller-manager") == 403
    autoscaler = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
    assert await status(stolen, autoscaler) == 200
