"""Kinds of other operators, which come and go with their CRDs while the operator runs."""

from leader_world import RESYNC_S, World, led
from memory_cluster import MemoryCluster, condition
from reconciler_rig import KEY, apply

from voiceagent_operator.kube.kinds import DEPLOYMENT, POD_MONITOR, VOICE_AGENT, Kind

SERVED = frozenset({POD_MONITOR})
NOTICED_S = 90.0
"""Within which a new CRD is noticed."""


def remove(cluster: MemoryCluster, kind: Kind) -> tuple[Kind, ...]:
    """A CRD is deleted, with its objects; the kinds that were served before."""
    kinds = cluster.kinds
    for found in cluster.all(kind):
        cluster.delete(kind, found["metadata"]["namespace"], found["metadata"]["name"])
    cluster.kinds = tuple(each for each in kinds if each is not kind)
    return kinds


def interval(world: World) -> str:
    (endpoint,) = world.cluster.get(POD_MONITOR, *KEY)["spec"]["podMetricsEndpoints"]
    text: str = endpoint["interval"]
    return text


def test_agents_are_reconciled_on_when_a_crd_is_removed() -> None:
    async def case(world: World) -> None:
        apply(world.cluster)
        await world.pass_s()
        assert world.cluster.find(POD_MONITOR, *KEY) is not None
        remove(world.cluster, POD_MONITOR)
        await world.pass_s()
        world.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"replicas": 4}})
        await world.pass_s()
        assert world.cluster.get(DEPLOYMENT, *KEY)["spec"]["replicas"] == 4
        assert condition(world.agent, "Degraded")[0] == "False"
        assert 'result="failed"' not in world.metrics.render()[0].decode()

    led(case, optional=SERVED)


def test_the_watch_of_a_removed_kind_restarts_no_operator() -> None:
    """A watch that is silent for five minutes fails the liveness probe."""

    async def case(world: World) -> None:
        apply(world.cluster)
        await world.pass_s()
        assert "podmonitors" in world.heartbeats.silent_s()
        remove(world.cluster, POD_MONITOR)
        await world.pass_s(2 * RESYNC_S)
        assert "podmonitors" not in world.heartbeats.silent_s()
        assert "services" in world.heartbeats.silent_s()

    led(case, optional=SERVED)


def test_a_crd_that_comes_is_used_and_its_objects_are_watched() -> None:
    async def case(world: World) -> None:
        apply(world.cluster)
        await world.pass_s()
        kinds = remove(world.cluster, POD_MONITOR)
        await world.pass_s(RESYNC_S)
        world.cluster.kinds = kinds
        await world.pass_s(NOTICED_S)
        assert interval(world) == "15s"
        edited = {"spec": {"podMetricsEndpoints": [{"port": "http", "interval": "1h"}]}}
        world.cluster.edit(POD_MONITOR, *KEY, edited)
        await world.pass_s()
        assert interval(world) == "15s"

    led(case, optional=SERVED)
