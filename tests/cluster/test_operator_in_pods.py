"""The operator as the chart installs it: two replicas, and a Role alone."""

import asyncio
from functools import partial

import pytest

from cluster.cluster import Cluster
from cluster.operator_objects import operator_objects
from cluster.operators import create, find, items, until, until_condition, voice_agent
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import DEPLOYMENT, LEASE, POD

pytestmark = pytest.mark.usefixtures("node")

SELECTOR = ",".join(f"{key}={value}" for key, value in names.OPERATOR_PODS.items())
TAKES_OVER_S = 20.0


@pytest.mark.timeout(180)
async def test_installed_in_a_namespace_of_its_own(
    api: ApiServer, cluster: Cluster, namespace: str, operator_image: str
) -> None:
    wanted = operator_objects(namespace, watched=(namespace,), image=operator_image)
    await asyncio.to_thread(cluster.apply, wanted)
    await until("two replicas ready", partial(_ready, api, namespace), 60, pause_s=0.3)
    await create(api, voice_agent(namespace, "first", replicas=0))
    await until_condition(api, namespace, "Ready", "ScaledToZero", 20, name="first")

    lease = await find(api, LEASE, namespace, "interject-operator")
    assert lease is not None
    leader = lease["spec"]["holderIdentity"]
    assert leader in [pod["metadata"]["name"] for pod in await items(api, POD, namespace, SELECTOR)]
    await api.delete(POD.path(namespace, leader))
    await create(api, voice_agent(namespace, "second", replicas=0))
    await until_condition(api, namespace, "Ready", "ScaledToZero", TAKES_OVER_S, name="second")
    restarts = [
        state["restartCount"]
        for pod in await items(api, POD, namespace, SELECTOR)
        for state in pod["status"].get("containerStatuses", [])
    ]
    assert not any(restarts)


async def _ready(api: ApiServer, namespace: str) -> bool:
    deployment = await find(api, DEPLOYMENT, namespace, "interject-operator")
    assert deployment is not None
    return bool(deployment["status"].get("readyReplicas") == 2)
