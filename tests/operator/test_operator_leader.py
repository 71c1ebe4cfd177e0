"""The leader at work on a cluster in memory, in virtual time."""

from functools import partial

import pytest
from leader_world import RESYNC_S, SOON_S, World, asterisk_pod, led
from lease_doubles import Replica, Server
from memory_cluster import condition, refusing
from reconciler_rig import KEY, apply, roll_out, start_pod
from virtual_time import run

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    POD,
    SERVICE,
    VOICE_AGENT,
)
from voiceagent_operator.leader.lease import LeadershipLostError
from voiceagent_operator.leader.work_queue import MOST_PAUSE_S
from voiceagent_operator.reconcile import reconciler
from voiceagent_operator.reconcile.dialplan import FILE
from voiceagent_operator.render.children import Child, RenderSettings, children


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


def test_a_foreign_config_map_is_reported_and_its_end_is_noticed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dialplan = ("calls", names.dialplan_name("asterisk"))

    async def case(world: World) -> None:
        world.cluster.create(CONFIG_MAP, CONFIG_MAP.head(*dialplan) | {"data": {"mine": "yes"}})
        world.cluster.create(POD, asterisk_pod())
        apply(world.cluster, telephony={"extensions": ["100"]})
        await world.pass_s()
        status, reason, message = condition(world.agent, "Published")
        assert (status, reason) == ("False", "NameTaken")
        assert "ConfigMap calls/interject-dialplan-asterisk" in message
        assert world.agent["status"]["extensions"] == []
        await world.pass_s(2 * MOST_PAUSE_S)
        assert world.cluster.get(CONFIG_MAP, *dialplan)["data"] == {"mine": "yes"}
        assert caplog.text.count("interject-dialplan-asterisk in calls exists") == 1
        world.cluster.delete(CONFIG_MAP, *dialplan)
        await world.pass_s(MOST_PAUSE_S + SOON_S)
        assert condition(world.agent, "Published")[:2] == ("True", "InDialplan")

    led(case)


def test_an_asterisk_in_another_namespace_is_told_what_to_set() -> None:
    async def case(world: World) -> None:
        world.cluster.create(POD, asterisk_pod("other"))
        apply(world.cluster, telephony={"extensions": ["100"]})
        await world.pass_s()
        status, reason, message = condition(world.agent, "Published")
        assert (status, reason) == ("False", "NoAsterisk")
        assert "operator.asteriskNamespaces" in message
        assert "other" in message

    led(case, everywhere=True)


def test_extensions_reach_the_dialplan_once_there_is_an_asterisk() -> None:
    async def case(world: World) -> None:
        apply(world.cluster, telephony={"extensions": ["100"]})
        await world.pass_s()
        assert condition(world.agent, "Published")[:2] == ("False", "NoAsterisk")
        world.cluster.create(POD, asterisk_pod())
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
