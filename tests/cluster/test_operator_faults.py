"""An API server that restarts, has no time, forgets versions, cuts connections."""

import asyncio
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.faults import bad_day
from cluster.operators import (
    OperatorProcess,
    change,
    create,
    items,
    operator_running,
    until,
    voice_agent,
)
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import DEPLOYMENT, VOICE_AGENT

AGENTS = 8
ROUNDS = 6


async def scaled(api: ApiServer, namespace: str, replicas: int) -> bool:
    """Whether every Deployment is there, with `replicas`."""
    found = await items(api, DEPLOYMENT, namespace)
    return [each["spec"]["replicas"] for each in found] == [replicas] * AGENTS


@pytest.mark.timeout(240)
async def test_on_a_bad_day_everything_ends_right(
    api: ApiServer, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """Seed 1: one request and one watch event in twenty goes wrong."""
    async with (
        bad_day(cluster.kubeconfig, tmp_path, rate=0.0, seed=1) as (kubeconfig, day),
        operator_running(kubeconfig, namespace, tmp_path) as operator,
    ):
        day.rate = 0.05
        for number in range(AGENTS):
            await create(api, voice_agent(namespace, f"agent-{number}", replicas=1))
        for turn in range(ROUNDS):
            for number in range(AGENTS):
                await change(api, namespace, f"agent-{number}", replicas=turn + 1)
            await asyncio.sleep(1)
        await until("all as they should be", lambda: scaled(api, namespace, ROUNDS), 60)
        day.rate = 0.0
        await api.delete(VOICE_AGENT.path(namespace, "agent-0"))

        async def one_less() -> bool:
            return len(await items(api, DEPLOYMENT, namespace)) == AGENTS - 1

        await until("the deleted agent's Deployment gone", one_less, 30)
        assert operator.running
    assert day.happened.keys() >= {"429", "500", "409", "reset", "410", "cut"}, day.happened


@pytest.mark.timeout(120)
async def test_an_api_server_that_restarts(
    api: ApiServer, cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    if not cluster.own:
        pytest.skip("a foreign cluster's API server is not restarted")
    for number in range(AGENTS):
        await create(api, voice_agent(namespace, f"agent-{number}", replicas=1))
    await until("all made", lambda: scaled(api, namespace, 1), 30)
    await asyncio.to_thread(cluster.restart_api_server)
    for number in range(AGENTS):
        await change(api, namespace, f"agent-{number}", replicas=2)
    await until("all as they should be after it", lambda: scaled(api, namespace, 2), 60)
    assert operator.running
    assert (await operator.get("/livez"))[0] == 200
