"""A leader at work on a cluster in memory, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from memory_cluster import MemoryApi, MemoryCluster
from reconciler_rig import KEY, Pods
from virtual_time import run

from voiceagent_operator.agents import names
from voiceagent_operator.kube.kinds import POD, VOICE_AGENT, Json, Kind
from voiceagent_operator.kube.kopf_watch import OnEvent
from voiceagent_operator.leader.leader import Leader, WatchAgents
from voiceagent_operator.settings import Settings
from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.logs_and_traces import ReconcileTracing
from voiceagent_operator.telemetry.metrics import OperatorMetrics

RESYNC_S = 300.0
SOON_S = 5.0
"""Within which a change has to be dealt with; all waiting is virtual."""


def settings() -> Settings:
    return Settings(
        kubeconfig=None,
        namespaces=("calls",),
        asterisk_namespaces=("calls",),
        media_image="example.com/media:1",
        pull_policy="IfNotPresent",
        media_otlp_endpoint="",
        log_format="text",
        lease_namespace="calls",
        lease_name="interject-operator",
        identity="operator-0",
        probe_port=8080,
        metrics_api_port=8443,
        metrics_api_tls=None,
        media_user_id=10001,
        agent_secret_prefix="",
        pod_monitor_labels=(),
        resync_s=RESYNC_S,
        number_plans={},
        version="1",
    )


class World:
    """A cluster and one leader of it."""

    def __init__(
        self, *, everywhere: bool = False, optional: frozenset[Kind] = frozenset()
    ) -> None:
        self.everywhere = everywhere
        loop = asyncio.get_running_loop()
        self.cluster = MemoryCluster(optional=optional)
        self.pods = Pods()
        self.heartbeats = Heartbeats(loop.time)
        self.metrics = OperatorMetrics(self.heartbeats)
        self.readiness = Readiness()
        self.api = MemoryApi(self.cluster)

    def leader(self, watch_agents: WatchAgents | None = None) -> Leader:
        return Leader(
            *(
                self.api,
                replace(settings(), namespaces=() if self.everywhere else ("calls",)),
                self.pods,
                self.metrics,
                self.heartbeats,
                ReconcileTracing("1", {}),
            ),
            *(self.readiness, watch_agents or self.watch_agents),
            asyncio.get_running_loop().time,
        )

    async def watch_agents(self, on_event: OnEvent) -> None:
        """What kopf does, with its list first."""
        path = VOICE_AGENT.path("calls")
        for found in (listed := await self.api.get(path))["items"]:
            on_event(None, found)
        params = {"resourceVersion": listed["metadata"]["resourceVersion"]}
        async with self.api.watch(path, params, idle_s=70.0, accept="") as events:
            async for event in events:
                if event["type"] != "BOOKMARK":
                    on_event(event["type"], event["object"])

    async def pass_s(self, seconds: float = SOON_S) -> None:
        await self.cluster.settle()
        await asyncio.sleep(seconds)

    @property
    def agent(self) -> Json:
        return self.cluster.get(VOICE_AGENT, *KEY)

    def metric(self, line: str) -> float:
        page = self.metrics.render()[0].decode()
        (value,) = [each.split()[-1] for each in page.splitlines() if each.startswith(line + " ")]
        return float(value)


Case = Callable[[World], Coroutine[Any, Any, None]]


def led(
    case: Case,
    *,
    silent: bool = False,
    everywhere: bool = False,
    optional: frozenset[Kind] = frozenset(),
) -> None:
    """Run `case` while a leader works.

    Args:
        silent: its watch of VoiceAgents shows nothing.
        everywhere: it watches all namespaces, not `calls` alone.
        optional: see `MemoryCluster`.
    """

    async def main() -> None:
        world = World(everywhere=everywhere, optional=optional)
        working = asyncio.create_task(world.leader(_silence if silent else None).run())
        try:
            await asyncio.sleep(0)
            await case(world)
            assert not working.done(), "a leader works until it is cancelled"
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    run(main())


async def _silence(on_event: OnEvent) -> None:
    await asyncio.Event().wait()


def asterisk_pod(namespace: str = "calls") -> Json:
    body = POD.head(namespace, "asterisk-0")
    body["metadata"]["labels"] = {names.ASTERISK: "asterisk"}
    return body | {"spec": {}, "status": {}}
