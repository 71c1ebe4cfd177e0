"""The leader at work on a cluster in memory, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from lease_doubles import Replica, Server
from memory_cluster import MemoryApi, MemoryCluster, condition, refusing
from reconciler_rig import KEY, Pods, apply, roll_out, start_pod
from virtual_time import run

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    POD,
    SERVICE,
    VOICE_AGENT,
    Json,
)
from voiceagent_operator.kube.kopf_watch import OnEvent
from voiceagent_operator.leader.leader import Leader, WatchAgents
from voiceagent_operator.leader.lease import LeadershipLostError
from voiceagent_operator.reconcile import reconciler
from voiceagent_operator.reconcile.dialplan import FILE
from voiceagent_operator.render.children import Child, RenderSettings, children
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
        version="1",
    )


class World:
    """A cluster and one leader of it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.cluster = MemoryCluster()
        self.pods = Pods()
        self.heartbeats = Heartbeats(loop.time)
        self.metrics = OperatorMetrics(self.heartbeats)
        self.readiness = Readiness()
        self.api = MemoryApi(self.cluster)

    def leader(self, watch_agents: WatchAgents | None = None) -> Leader:
        return Leader(
            *(
                self.api,
                settings(),
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


def led(case: Case, *, silent: bool = False) -> None:
    """Run `case` while a leader works; with `silent` its watch of VoiceAgents shows nothing."""

    async def main() -> None:
        world = World()
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


def test_wanted_and_ready_pods_of_each_agent_are_metrics() -> None:
    async def case(world: World) -> None:
        def pods(state: str) -> float:
            labels = f'agent="reception",agent_namespace="calls",state="{state}"'
            return world.metric(f"interject_operator_agent_pods{{{labels}}}")

        apply(world.cluster, replicas=2, autoscaling={"metricSource": "operator", "maxReplicas": 7})
        await world.pass_s()
        assert (pods("wanted"), pods("ready"), pods("most")) == (2, 0, 7)
        roll_out(world.cluster, 1)
        await world.pass_s()
        assert pods("ready") == 1
        world.cluster.delete(VOICE_AGENT, *KEY)
        await world.pass_s()
        assert "interject_operator_agent_pods{" not in world.metrics.render()[0].decode()

    led(case)


def test_an_agent_from_its_creation_to_its_deletion() -> None:
    async def case(world: World) -> None:
        apply(world.cluster, replicas=1)
        await world.pass_s()
        assert world.cluster.find(DEPLOYMENT, *KEY) is not None
        world.pods.calls = {start_pod(world.cluster, 1): 2}
        roll_out(world.cluster, ready=1)
        await world.pass_s(15.0)
        assert condition(world.agent, "Ready")[:2] == ("True", "PodsReady")
        assert world.agent["status"]["activeCalls"] == 2
        pod = world.cluster.get(POD, "calls", "reception-1")
        assert pod["metadata"]["annotations"][names.DELETION_COST] == "2"

        world.cluster.delete(VOICE_AGENT, *KEY)
        await world.pass_s()
        assert world.cluster.all(DEPLOYMENT) == world.cluster.all(SERVICE) == []
        assert world.metric('interject_operator_reconciles_total{result="gone"}') >= 1

    led(case)


def test_what_is_edited_or_deleted_by_hand_is_back_within_seconds() -> None:
    async def case(world: World) -> None:
        apply(world.cluster, replicas=1)
        await world.pass_s()
        world.cluster.edit(DEPLOYMENT, *KEY, {"spec": {"replicas": 9}})
        world.cluster.delete(SERVICE, *KEY)
        manifest = ("calls", "reception-manifest")
        world.cluster.edit(CONFIG_MAP, *manifest, {"data": {"agent.yaml": "edited"}})
        await world.pass_s()
        assert world.cluster.get(DEPLOYMENT, *KEY)["spec"]["replicas"] == 1
        assert world.cluster.find(SERVICE, *KEY) is not None
        assert world.cluster.get(CONFIG_MAP, *manifest)["data"]["agent.yaml"] != "edited"
        assert world.metric('interject_operator_drift_repaired_total{kind="Deployment"}') == 1

    led(case)


def test_nothing_is_written_while_nothing_changes() -> None:
    async def case(world: World) -> None:
        apply(world.cluster)
        await world.pass_s()
        world.cluster.writes.clear()
        await world.pass_s(2 * RESYNC_S)
        assert world.cluster.writes == []

    led(case)


def test_an_event_that_was_lost_is_made_good_by_the_resync() -> None:
    async def case(world: World) -> None:
        await world.pass_s()
        apply(world.cluster)
        await world.pass_s(RESYNC_S / 2)
        assert world.cluster.all(DEPLOYMENT) == []
        await world.pass_s(RESYNC_S)
        assert world.cluster.find(DEPLOYMENT, *KEY) is not None
        world.cluster.delete(VOICE_AGENT, *KEY)
        await world.pass_s(RESYNC_S)
        assert world.metric('interject_operator_reconciles_total{result="gone"}') >= 1

    led(case, silent=True)


def test_a_watch_that_misses_an_agent_falls_silent_for_the_probes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def case(world: World) -> None:
        await world.pass_s(120.0)
        assert world.heartbeats.silent_s()["voiceagents"] < 70.0, "an idle watch is no dead one"
        apply(world.cluster)
        await world.pass_s(RESYNC_S / 2)
        assert world.heartbeats.silent_s()["voiceagents"] > 90.0
        assert "is stale: it misses agents that a list has" in caplog.text

    led(case, silent=True)


def test_without_the_crd_the_leader_waits_and_says_how_to_install_it() -> None:
    async def case(world: World) -> None:
        kinds = world.cluster.kinds
        world.cluster.kinds = tuple(kind for kind in kinds if kind is not VOICE_AGENT)
        await world.pass_s()
        assert "kubectl apply --server-side -f crds/" in world.readiness.waits_for
        world.cluster.kinds = kinds
        apply(world.cluster)
        await world.pass_s(10.0)
        assert world.readiness.waits_for == ""
        assert world.cluster.find(DEPLOYMENT, *KEY) is not None

    led(case)


def test_an_api_server_that_refuses_is_asked_again_until_it_does_not() -> None:
    async def case(world: World) -> None:
        world.cluster.fault = refusing(500, "etcd is away", "PATCH", "/deployments/")
        apply(world.cluster)
        await world.pass_s(20.0)
        assert world.cluster.all(DEPLOYMENT) == []
        assert world.metric('interject_operator_reconciles_total{result="failed"}') >= 3
        world.cluster.fault = lambda verb, path: None
        await world.pass_s(30.0)
        assert world.cluster.find(DEPLOYMENT, *KEY) is not None

    led(case)


def test_one_agent_that_makes_the_operator_fail_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(agent: Agent, setting: RenderSettings) -> list[Child]:
        if agent.name == "reception":
            raise RuntimeError("a fault of ours")
        return children(agent, setting)

    monkeypatch.setattr(reconciler, "children", faulty)

    async def case(world: World) -> None:
        apply(world.cluster)
        apply(world.cluster, "second")
        await world.pass_s()
        assert world.cluster.find(DEPLOYMENT, "calls", "second") is not None
        assert world.metric('interject_operator_reconciles_total{result="error"}') >= 1

    led(case)


def test_extensions_reach_the_dialplan_once_there_is_an_asterisk() -> None:
    async def case(world: World) -> None:
        apply(world.cluster, telephony={"extensions": ["100"]})
        await world.pass_s()
        assert condition(world.agent, "Published")[:2] == ("False", "NoAsterisk")
        asterisk = POD.head("calls", "asterisk-0")
        asterisk["metadata"]["labels"] = {names.ASTERISK: "asterisk"}
        world.cluster.create(POD, asterisk | {"spec": {}, "status": {}})
        await world.pass_s()
        assert condition(world.agent, "Published")[:2] == ("True", "InDialplan")
        dialplan = ("calls", names.dialplan_name("asterisk"))
        assert "100" in world.cluster.get(CONFIG_MAP, *dialplan)["data"][FILE]
        world.cluster.delete(VOICE_AGENT, *KEY)
        await world.pass_s()
        assert "100" not in world.cluster.get(CONFIG_MAP, *dialplan)["data"][FILE]
        world.cluster.delete(POD, "calls", "asterisk-0")
        await world.pass_s()
        assert world.cluster.find(CONFIG_MAP, *dialplan) is None

    led(case)


def test_of_two_agents_the_older_has_the_extension_until_it_goes() -> None:
    async def case(world: World) -> None:
        for name, created in (
            ("reception", "2026-01-01T00:00:00Z"),
            ("second", "2026-01-02T00:00:00Z"),
        ):
            apply(world.cluster, name, telephony={"extensions": ["100"]})
            head = {"metadata": {"creationTimestamp": created}}
            world.cluster.edit(VOICE_AGENT, "calls", name, head)
        await world.pass_s()
        second = partial(world.cluster.get, VOICE_AGENT, "calls", "second")
        status, reason, message = condition(second(), "Published")
        assert (status, reason) == ("False", "ExtensionTaken")
        assert "calls/reception" in message
        world.cluster.delete(VOICE_AGENT, *KEY)
        await world.pass_s()
        assert condition(second(), "Published")[1] == "NoAsterisk"

    led(case)


def test_a_leader_that_loses_its_lease_stops_and_writes_nothing_more() -> None:
    async def main() -> None:
        world, server = World(), Server()
        replica = Replica("operator-0", server).start(world.leader().run)
        await world.pass_s()
        apply(world.cluster)
        await world.pass_s()
        assert world.cluster.find(DEPLOYMENT, *KEY) is not None
        server.edit(holderIdentity="another", renewTime="now")
        with pytest.raises(LeadershipLostError, match="another leads now"):
            await replica.task
        world.cluster.writes.clear()
        world.cluster.delete(DEPLOYMENT, *KEY)
        await world.pass_s(RESYNC_S)
        assert world.cluster.writes == []

    run(main())
