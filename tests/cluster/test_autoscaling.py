"""Pods follow calls: up while callers come, down to those that still talk."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from asterisk.world import free_port
from cluster.aggregation import registered, serving_certificate
from cluster.callers import alive, ask, ask_inside, reserve
from cluster.cluster import Cluster
from cluster.measured import Measured
from cluster.operators import create, items, operator_running, until, voice_agent
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import POD, VOICE_AGENT, Json

pytestmark = pytest.mark.usefixtures("node")

SELECTOR = f"{names.AGENT}=reception"
SLOTS = 4
AGENT = {
    "replicas": 1,
    "capacity": {"calls": SLOTS, "reservationSeconds": 120},
    "autoscaling": {
        "metricSource": "operator",
        "minReplicas": 1,
        "maxReplicas": 3,
        "targetPercent": 50,
        "scaleDownSeconds": 0,
    },
}


@pytest.fixture
async def scaling(
    cluster: Cluster, crd: None, namespace: str, tmp_path: Path
) -> AsyncIterator[None]:
    """An operator whose metrics API is the cluster's."""
    port = free_port()
    certificate, key = serving_certificate(cluster, namespace, port)
    arguments = (
        *("--metrics-api-port", str(port)),
        *("--metrics-api-certificate", str(certificate)),
        *("--metrics-api-key", str(key)),
    )
    async with operator_running(cluster.kubeconfig, namespace, tmp_path, *arguments):
        with registered(cluster, namespace, port):
            yield


async def ready(api: ApiServer, namespace: str, number: int, timeout_s: float) -> list[Json]:
    """The pods, the oldest first, once exactly so many are there and answer."""

    async def there() -> list[Json]:
        pods = alive(await items(api, POD, namespace, SELECTOR))
        answering = [pod for pod in pods if await _answers(pod)]
        return answering if len(answering) == len(pods) == number else []

    pods = await until(f"{number} pods answering", there, timeout_s, pause_s=0.5)
    return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


async def _answers(pod: Json) -> bool:
    host = pod["status"].get("podIP")
    return bool(host) and (await ask(host, "/readyz"))[0] == 200


async def take(pod: Json, number: int) -> list[UUID]:
    """So many slots of one pod, as callers who are about to connect take them."""
    calls = [uuid4() for _ in range(number)]
    for call in calls:
        assert await reserve(pod["status"]["podIP"], 1650, call)
    return calls


async def end(pod: Json, calls: list[UUID]) -> None:
    for call in calls:
        await ask(pod["status"]["podIP"], f"/api/call-end?uuid={call}")


@pytest.mark.timeout(300)
async def test_up_with_the_calls_and_down_to_the_pod_that_has_one(
    api: ApiServer,
    cluster: Cluster,
    scaling: None,
    namespace: str,
    media_image: str,
    measured: Measured,
) -> None:
    await create(api, voice_agent(namespace, image=media_image, **AGENT))
    (first,) = await ready(api, namespace, 1, 90)
    oldest = await take(first, SLOTS)
    began = time.monotonic()
    _, second = await ready(api, namespace, 2, 60)
    took = time.monotonic() - began
    measured.row("autoscaling", "a full pod to a second one that answers", f"{took:.1f} s")
    newest = await take(second, SLOTS)
    pods = await ready(api, namespace, 3, 60)

    await end(first, oldest)
    await end(second, newest[1:])
    began = time.monotonic()

    async def scaled() -> bool:
        found = await api.get(VOICE_AGENT.path(namespace, "reception"))
        return bool(found["spec"]["replicas"] == 1)

    await until("the agent scaled down", scaled, 120, pause_s=0.5)
    (left,) = await ready(api, namespace, 1, 60)
    took = time.monotonic() - began
    measured.row("autoscaling", "calls over to the last idle pod gone, 3 to 1", f"{took:.1f} s")
    assert left["metadata"]["name"] == second["metadata"]["name"], [
        pod["metadata"]["name"] for pod in pods
    ]
    status, _ = await ask_inside(cluster, left, f"/api/calls/{newest[0]}")
    assert status == 200
