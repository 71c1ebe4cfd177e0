"""Children that the API server does not take as they are, on a cluster in memory."""

from collections.abc import Callable

from memory_cluster import condition, refusing
from reconciler_rig import KEY, Rig, apply

from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.kube.kinds import SERVICE, VOICE_AGENT

PATH = SERVICE.path("calls", "reception")


def once(fault: Callable[[str, str], ApiError | None]) -> Callable[[str, str], ApiError | None]:
    left = [True]

    def each(verb: str, path: str) -> ApiError | None:
        error = fault(verb, path) if left else None
        if error is not None:
            left.clear()
        return error

    return each


async def test_an_addition_that_makes_an_apply_invalid_is_replaced_with_the_object() -> None:
    rig = Rig()
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    rig.cluster.edit(SERVICE, "calls", "reception", {"spec": {"sessionAffinity": "ClientIP"}})
    rig.cluster.edit(
        SERVICE, "calls", "reception", {"spec": {"ports": [{"name": "http", "port": 9}]}}
    )
    rig.cluster.fault = once(refusing(422, "duplicate port", "PATCH", PATH))
    rig.cluster.writes.clear()
    done = await rig.reconciler.reconcile(KEY)
    assert ("PUT", PATH) in rig.cluster.writes
    spec = rig.cluster.get(SERVICE, "calls", "reception")["spec"]
    assert "sessionAffinity" not in spec
    assert [port["port"] for port in spec["ports"]] != [9]
    assert done.failed == ""


async def test_a_new_child_that_is_invalid_is_reported_with_the_api_servers_words() -> None:
    rig = Rig()
    rig.cluster.fault = refusing(422, "spec.ports[0].port: Invalid value: 0", "PATCH", PATH)
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "ChildRefused")
    assert "Service reception" in message
    assert "spec.ports[0].port: Invalid value: 0" in message


async def test_the_first_of_several_refusals_is_the_one_reported() -> None:
    rig = Rig()

    def fault(verb: str, path: str) -> ApiError | None:
        for kind, message in (("serviceaccounts", "no accounts"), ("deployments", "no pods")):
            if error := refusing(403, message, "PATCH", kind)(verb, path):
                return error
        return None

    rig.cluster.fault = fault
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    assert "no accounts" in condition(rig.agent, "Degraded")[2]


async def test_a_repair_goes_on_with_what_changed_while_it_ran() -> None:
    """A leader that ended in mid-repair left some children; the next one makes the rest."""
    rig = Rig()
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    whole = dict(rig.cluster.objects)
    rig.cluster.delete(SERVICE, "calls", "reception-pods")
    rig.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"replicas": 3}})
    other = Rig()
    other.cluster.objects = rig.cluster.objects
    await other.reconciler.reconcile(KEY)
    assert rig.cluster.objects.keys() == whole.keys()
    assert rig.agent["status"]["observedGeneration"] == 2
