"""A CRD of another operator that comes and goes while ours runs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.operators import (
    OperatorProcess,
    change,
    create,
    find,
    operator_running,
    until,
    until_condition,
    voice_agent,
)
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import DEPLOYMENT, POD_MONITOR, Json

CRD = f"{POD_MONITOR.plural}.{POD_MONITOR.group}"
NOTICED_S = 75.0
"""Within which a new CRD is noticed."""


def definition() -> Json:
    """As much of the kind as the API server needs."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": POD_MONITOR.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
    }
    kinds = {"plural": POD_MONITOR.plural, "kind": POD_MONITOR.kind}
    spec = {
        "group": POD_MONITOR.group,
        "scope": "Namespaced",
        "names": kinds,
        "versions": [version],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD},
        "spec": spec,
    }


@pytest.fixture
def pod_monitors(cluster: Cluster) -> Iterator[None]:
    if not cluster.own:
        pytest.skip("installs cluster-wide objects: on the rig alone")
    cluster.apply(definition())
    cluster.run("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=20s")
    yield
    cluster.run("delete", "crd", CRD, "--ignore-not-found")


async def failures(operator: OperatorProcess) -> float:
    return await operator.metric('interject_operator_reconciles_total{result="failed"}')


@pytest.mark.timeout(200)
async def test_agents_are_reconciled_on_without_it_and_use_it_again(
    api: ApiServer,
    cluster: Cluster,
    crd: None,
    pod_monitors: None,
    namespace: str,
    tmp_path: Path,
) -> None:
    async with operator_running(cluster.kubeconfig, namespace, tmp_path) as operator:
        await create(api, voice_agent(namespace, replicas=0))
        await until_condition(api, namespace, "Ready", "ScaledToZero")

        async def monitored() -> bool:
            return await find(api, POD_MONITOR, namespace, "reception") is not None

        await until("a PodMonitor", monitored, 15)
        await asyncio.to_thread(cluster.run, "delete", "crd", CRD)
        before = await failures(operator)
        await change(api, namespace, podTemplate={"metadata": {"labels": {"team": "voice"}}})

        async def followed() -> bool:
            found = await find(api, DEPLOYMENT, namespace, "reception")
            assert found is not None
            return "team" in found["spec"]["template"]["metadata"]["labels"]

        await until("the Deployment changed", followed, 15)
        await until_condition(api, namespace, "Degraded", "AsExpected")
        # One request may have met the deletion half way.
        assert await failures(operator) <= before + 1
        status, _ = await operator.get("/livez")
        assert status == 200
        await asyncio.to_thread(cluster.apply, definition())
        await until("a PodMonitor again", monitored, NOTICED_S)
