"""What Prometheus sees while people call: two agents' pods, Asterisk and an operator, all real.

Three phones call the agent `desk` and interrupt it over an echoing line; one calls `parcels`, whose
pod is asked to drain towards the end. The operator is its metrics page alone, fed by hand.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from aiohttp.test_utils import TestServer
from asterisk.callers import agent, interrupter, line
from asterisk.world import World, free_port, world
from otlp_collector import Collector
from prometheus_server import PrometheusServer, Target, prometheus_server

from media_pod.lab.caller import Caller
from media_pod.spec import VoiceAgent
from voiceagent_operator.kube.heartbeats import Heartbeats
from voiceagent_operator.own_metrics import OperatorMetrics
from voiceagent_operator.probes import make_app
from voiceagent_operator.readiness import Readiness

NAMESPACE: Final = "voice"
SECONDS: Final = 22.0
"""From the first call to the end of what is shown."""
DRAINS_AFTER_S: Final = 16.0
INTERRUPTIONS: Final = 4
LINES: Final = ((0.0, 60.0), (2.0, 120.0), (4.0, 250.0))
"""Of the phones that call `desk`: when they call, in s, and how late the line's echo is, in ms."""
_FEED_S: Final = 0.5


@dataclass(frozen=True)
class RealRun:
    """What was seen."""

    prometheus: PrometheusServer
    began_s: float
    """Unix time of the first call."""
    ended_s: float


@asynccontextmanager
async def real_run(programs: Path, tree: Path, folder: Path, rules: Path) -> AsyncIterator[RealRun]:
    """Let people call; give what Prometheus saw of it.

    Args:
        programs: the folder of `prometheus`.
        tree: the unpacked Asterisk.
        folder: an empty one.
        rules: the file of the alert rules.
    """
    for name in ("world", "prometheus"):
        (folder / name).mkdir()
    collector = Collector()
    metrics_port, http_ports = free_port(), (free_port(), free_port())
    agents = _agents(http_ports, collector.url)
    try:
        async with (
            _operator() as operator,
            world(
                tree,
                folder / "world",
                agents,
                dialplan=[
                    {"name": each.metadata.name, "extensions": [extension], "api": [_local(port)]}
                    for each, extension, port in zip(
                        agents, ("100", "101"), http_ports, strict=True
                    )
                ],
                phones=len(LINES) + 1,
                metricsPort=metrics_port,
            ) as there,
        ):
            targets = [
                Target(operator, "interject", "interject-operator-7d9f"),
                Target(_local(metrics_port), NAMESPACE, "interject-asterisk-0"),
                Target(_local(http_ports[0]), NAMESPACE, "desk-6c5b-x2x4p"),
                Target(_local(http_ports[1]), NAMESPACE, "parcels-58f4-9wq7k"),
            ]
            server = prometheus_server(programs, folder / "prometheus", targets, rules)
            async with server as prometheus:
                began_s = time.time()
                await _let_them_call(there, began_s)
                yield RealRun(prometheus, began_s, time.time())
    finally:
        await asyncio.to_thread(collector.close)


async def _let_them_call(there: World, began_s: float) -> None:
    calls = [
        asyncio.create_task(_interrupt(there, number, after_s, delay_ms))
        for number, (after_s, delay_ms) in enumerate(LINES)
    ]
    calls.append(asyncio.create_task(_key_in(there, len(LINES))))
    draining = asyncio.create_task(_drain(there))
    await asyncio.sleep(SECONDS - (time.time() - began_s))
    for task in (*calls, draining):
        task.cancel()
    await asyncio.gather(*calls, draining, return_exceptions=True)


async def _interrupt(there: World, number: int, after_s: float, delay_ms: float) -> None:
    await asyncio.sleep(after_s)
    caller = interrupter(INTERRUPTIONS, seed=number)
    max_s = SECONDS - after_s - 3
    await there.phone(line(delay_ms, seed=number), caller, max_s=max_s, number=number).call("100")


async def _key_in(there: World, number: int) -> None:
    """Somebody who says nothing, to an agent that does not mind."""
    caller = Caller((), 8000)
    await there.phone(line(seed=number), caller, max_s=SECONDS, number=number).call("101")


async def _drain(there: World) -> None:
    await asyncio.sleep(DRAINS_AFTER_S)
    await there.drain(1)


def _agents(http_ports: tuple[int, int], traces: str) -> list[VoiceAgent]:
    usual = {"drain": {"timeoutSeconds": 30}, "telemetry": {"otlpEndpoint": traces}}
    return [
        agent("desk", server={"httpPort": http_ports[0]}, **usual),
        agent("parcels", server={"httpPort": http_ports[1]}, capacity={"calls": 4}, **usual),
    ]


@asynccontextmanager
async def _operator() -> AsyncIterator[str]:
    """The address of an operator's metrics page, as if it looked after both agents."""
    heartbeats = Heartbeats(time.monotonic)
    metrics = OperatorMetrics(heartbeats)
    server = TestServer(make_app(metrics, heartbeats, Readiness()))
    feeding = asyncio.create_task(_feed(metrics, heartbeats))
    async with server:
        try:
            yield _local(server.port or 0)
        finally:
            feeding.cancel()
            with suppress(asyncio.CancelledError):
                await feeding


async def _feed(metrics: OperatorMetrics, heartbeats: Heartbeats) -> None:
    metrics.leads(True)
    metrics.agents(2)
    for look in count():
        heartbeats.beat("voiceagents")
        if look % 6 == 0:
            heartbeats.beat("deployments")
        metrics.reconciled("unchanged" if look % 4 else "applied", 0.004)
        metrics.api_request("get", 200)
        if look % 4 == 0:
            metrics.api_request("patch", 200)
        await asyncio.sleep(_FEED_S)


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"
