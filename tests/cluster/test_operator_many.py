"""Two hundred VoiceAgents at once: how long, how much memory, how many requests."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.measured import Measured
from cluster.operators import (
    OperatorProcess,
    create,
    items,
    operator_running,
    until,
    voice_agent,
)
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import VOICE_AGENT

MOST_MB = 120
STEPS = (1, 50, 200)
IDLE_S = 10.0
RECONCILES = "interject_operator_reconcile_seconds"


@pytest.mark.timeout(420)
async def test_memory_and_time(
    api: ApiServer, cluster: Cluster, namespace: str, tmp_path: Path, measured: Measured
) -> None:
    """No pod runs: replicas is 0, so that the machine is left to the operator."""
    async with operator_running(cluster.kubeconfig, namespace, tmp_path) as operator:
        there = 0
        for number in STEPS:
            began = time.monotonic()
            bodies = [
                voice_agent(
                    namespace,
                    f"agent-{each}",
                    replicas=0,
                    telephony={"extensions": [f"{1000 + each}"]},
                )
                for each in range(there, number)
            ]
            await asyncio.gather(*(create(api, body) for body in bodies))
            await until(
                f"{number} reconciled",
                partial(_told, api, namespace, number),
                180,
                0.5,
            )
            case = f"{number} VoiceAgents"
            made = time.monotonic() - began
            measured.row(case, f"{number - there} created at once: all reconciled", f"{made:.1f} s")
            await _rest(operator, measured, case)
            there = number
        assert operator.memory_mb() <= MOST_MB
        _, page = await operator.get("/metrics")
        measured.row("all reconciles", "time of a reconcile, p50 / p95 (buckets)", _quantiles(page))


async def _told(api: ApiServer, namespace: str, number: int) -> bool:
    found = await items(api, VOICE_AGENT, namespace)
    reported = [each for each in found if each.get("status", {}).get("conditions")]
    return len(reported) == number


async def _rest(operator: OperatorProcess, measured: Measured, case: str) -> None:
    """What it costs while nothing happens."""
    await asyncio.sleep(3)
    before, began = operator.cpu_s(), time.monotonic()
    await asyncio.sleep(IDLE_S)
    share = (operator.cpu_s() - before) / (time.monotonic() - began)
    measured.row(
        case, "memory; CPU at rest", f"{operator.memory_mb():.0f} MB; {share:.1%} of a core"
    )


def _quantiles(page: str) -> str:
    """Upper bounds of the buckets that hold the median and the 95th percentile."""
    counts: dict[float, float] = {}
    for line in page.splitlines():
        if line.startswith(f"{RECONCILES}_bucket"):
            bound = float(line.split('le="')[1].split('"')[0])
            counts[bound] = counts.get(bound, 0) + float(line.rpartition(" ")[2])
    total = max(counts.values())
    p50, p95 = (min(b for b, n in counts.items() if n >= share * total) for share in (0.5, 0.95))
    return f"below {1000 * p50:.0f} / {1000 * p95:.0f} ms (n = {total:.0f})"
