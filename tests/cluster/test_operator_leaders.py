"""Two replicas, one leader; and a leader that dies in the middle of its work, again and again."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.measured import Measured
from cluster.operators import OperatorProcess, create, items, until, voice_agent
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import DEPLOYMENT, LEASE, VOICE_AGENT
from voiceagent_operator.render.children import KINDS, OPTIONAL

NOTICED_WITHIN_S = 15.0
KILLS = 20
AGENTS = 6


def replica(cluster: Cluster, namespace: str, folder: Path, name: str) -> OperatorProcess:
    return OperatorProcess(
        cluster.kubeconfig,
        namespace,
        folder / f"{name}.log",
        *("--namespace", namespace),
        *("--identity", name),
    )


@pytest.mark.timeout(120)
async def test_a_crashed_leader_is_replaced_and_a_stopped_one_at_once(
    api: ApiServer, cluster: Cluster, namespace: str, tmp_path: Path, measured: Measured
) -> None:
    first, second = (replica(cluster, namespace, tmp_path, name) for name in ("first", "second"))
    first.start()
    try:
        await first.until_leader()
        second.start()
        await until("the standby live", lambda: _live(second), 20)
        assert await second.metric("interject_operator_leader ") == 0
        assert (await second.get("/readyz"))[0] == 200
        await create(api, voice_agent(namespace, "before"))
        await until("the agent made", lambda: _made(api, namespace, 1), 15)

        first.kill()
        killed = time.monotonic()
        await second.until_leader(NOTICED_WITHIN_S)
        measured.row("operator", "crash of the leader to the next leader", _s(killed))
        await create(api, voice_agent(namespace, "after"))
        await until("the next agent made", lambda: _made(api, namespace, 2), 10)

        first.start()
        await until("the first back", lambda: _live(first), 20)
        stopped = time.monotonic()
        assert second.stop() == 0
        await first.until_leader(6)
        measured.row("operator", "stop of the leader to the next leader", _s(stopped))
    finally:
        for each in (first, second):
            if each.running:
                each.kill()


async def _live(process: OperatorProcess) -> bool:
    return (await process.get("/livez"))[0] == 200


async def _made(api: ApiServer, namespace: str, number: int) -> bool:
    return len(await items(api, DEPLOYMENT, namespace)) == number


def _s(since: float) -> str:
    return f"{time.monotonic() - since:.1f} s"


@pytest.mark.timeout(300)
async def test_whenever_it_is_killed_everything_ends_right(
    api: ApiServer, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """Seed 1. Each time a changed agent is being put right, at a random point within it."""
    chance = random.Random(1)
    process = replica(cluster, namespace, tmp_path, "mortal")
    try:
        for turn in range(KILLS):
            process.start()
            await _free_lease(api, namespace)
            await process.until_leader()
            names_now = [f"agent-{number}" for number in range(AGENTS)]
            for name in names_now:
                await _put(api, namespace, name, replicas=turn % 3 + 1)
            await asyncio.sleep(chance.uniform(0.0, 0.8))
            process.kill()
        process.start()
        await _free_lease(api, namespace)
        await process.until_leader()
        expected = {f"agent-{number}": (KILLS - 1) % 3 + 1 for number in range(AGENTS)}

        async def right() -> bool:
            found = await items(api, DEPLOYMENT, namespace)
            return {
                each["metadata"]["name"]: each["spec"]["replicas"] for each in found
            } == expected

        await until("every Deployment as its agent says", right, 30)
        for kind in (kind for kind in KINDS if kind not in OPTIONAL):
            there = await items(api, kind, namespace, names.OURS)
            owned = {each["metadata"]["labels"][names.AGENT] for each in there}
            assert owned <= expected.keys()
        assert process.stop() == 0
    finally:
        if process.running:
            process.kill()


async def _put(api: ApiServer, namespace: str, name: str, replicas: int) -> None:
    await api.apply(
        VOICE_AGENT.path(namespace, name), voice_agent(namespace, name, replicas=replicas)
    )


async def _free_lease(api: ApiServer, namespace: str) -> None:
    """The lease of a replica that was killed is not waited for: that is the other case."""
    for lease in await items(api, LEASE, namespace):
        await api.delete(LEASE.path(namespace, lease["metadata"]["name"]))
