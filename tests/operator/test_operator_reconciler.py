"""From a VoiceAgent to its children, its status and its events, on a cluster in memory."""

from dataclasses import replace
from typing import Any

import pytest
from memory_cluster import condition, refusing
from reconciler_rig import KEY, Rig, apply, roll_out, start_pod, waiting

from voiceagent_operator.agents import names
from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.kube.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    NETWORK_POLICY,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    VOICE_AGENT,
    Json,
    Kind,
)
from voiceagent_operator.reconcile.reconciler import RECHECK_S

CHILDREN = {
    (SERVICE_ACCOUNT, "reception"),
    (CONFIG_MAP, "reception-manifest"),
    (SERVICE, "reception"),
    (SERVICE, "reception-pods"),
    (NETWORK_POLICY, "reception"),
    (DEPLOYMENT, "reception"),
    (DISRUPTION_BUDGET, "reception"),
    (AUTOSCALER, "reception"),
}
SCALED = {"autoscaling": {"metricSource": "operator"}}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def children(rig: Rig) -> set[tuple[Kind, str]]:
    kinds = {kind for kind, _ in CHILDREN}
    return {(kind, name) for kind, _, name in rig.cluster.objects if kind in kinds}


async def test_a_voice_agent_becomes_its_children_and_then_nothing_is_written(rig: Rig) -> None:
    apply(rig.cluster, **SCALED)
    await rig.reconciler.reconcile(KEY)
    assert children(rig) == CHILDREN
    for kind, name in CHILDREN:
        head = rig.cluster.get(kind, "calls", name)["metadata"]
        assert head["labels"][names.MANAGER] == names.MANAGED_BY
        (owner,) = head["ownerReferences"]
        assert owner["uid"] == rig.agent["metadata"]["uid"]
    assert condition(rig.agent, "Ready")[:2] == ("False", "NoPodReady")

    rig.cluster.writes.clear()
    assert (await rig.reconciler.reconcile(KEY)).writes == 0
    assert rig.cluster.writes == []


async def test_an_autoscaler_without_a_metrics_api_is_named_with_the_next_step(rig: Rig) -> None:
    rig.setting = replace(rig.setting, metrics_api=False)
    apply(rig.cluster, **SCALED)
    apply(rig.cluster, "fixed")
    for name in ("reception", "fixed"):
        await rig.reconciler.reconcile(("calls", name))
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "MetricsApiDisabled")
    assert "autoscaling.metricSource" in message and "metricsApi.enabled=true" in message
    fixed = rig.cluster.get(VOICE_AGENT, "calls", "fixed")
    assert condition(fixed, "Degraded")[0] == "False"


async def test_a_restricted_operator_does_not_run_what_it_forbids(rig: Rig) -> None:
    rig.setting = replace(rig.setting, secret_prefix="agent-")
    apply(rig.cluster, podTemplate={"spec": {"serviceAccountName": "admin"}})
    await rig.reconciler.reconcile(KEY)
    assert children(rig) == set()
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "PodTemplateNotAllowed")
    assert "found spec.serviceAccountName in spec.podTemplate" in message


EDITS: list[tuple[Kind, str, Json]] = [
    (DEPLOYMENT, "reception", {"spec": {"replicas": 7}}),
    (CONFIG_MAP, "reception-manifest", {"data": {"agent.yaml": "edited"}}),
    (SERVICE, "reception", {"spec": {"ports": [{"name": "http", "port": 9}]}}),
    (SERVICE, "reception", {"metadata": {"labels": {"app.kubernetes.io/part-of": None}}}),
    (NETWORK_POLICY, "reception", {"spec": {"ingress": None}}),
    (DISRUPTION_BUDGET, "reception", {"spec": {"maxUnavailable": 5}}),
    (AUTOSCALER, "reception", {"spec": {"maxReplicas": 99}}),
]


def essence(found: Json) -> Any:
    """What a person would compare."""
    return found.get("spec"), found.get("data"), found["metadata"]["labels"]


@pytest.mark.parametrize(("kind", "name", "patch"), EDITS)
async def test_a_child_that_was_edited_is_put_back(
    rig: Rig, kind: Kind, name: str, patch: Json
) -> None:
    apply(rig.cluster, **SCALED)
    await rig.reconciler.reconcile(KEY)
    before = rig.cluster.get(kind, "calls", name)
    rig.cluster.edit(kind, "calls", name, patch)
    done = await rig.reconciler.reconcile(KEY)
    assert essence(rig.cluster.get(kind, "calls", name)) == essence(before)
    assert done.drifted == (kind.kind,)


@pytest.mark.parametrize(("kind", "name"), sorted(CHILDREN, key=str))
async def test_a_child_that_was_deleted_comes_back(rig: Rig, kind: Kind, name: str) -> None:
    apply(rig.cluster, **SCALED)
    await rig.reconciler.reconcile(KEY)
    rig.cluster.delete(kind, "calls", name)
    await rig.reconciler.reconcile(KEY)
    assert children(rig) == CHILDREN


async def test_fields_that_the_operator_does_not_set_are_kept(rig: Rig) -> None:
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    theirs = {"spec": {"template": {"spec": {"dnsPolicy": "Default"}}}}
    rig.cluster.edit(DEPLOYMENT, "calls", "reception", theirs)
    rig.cluster.edit(SERVICE, "calls", "reception", {"metadata": {"annotations": {"team": "a"}}})
    assert (await rig.reconciler.reconcile(KEY)).writes == 0
    found = rig.cluster.get(DEPLOYMENT, "calls", "reception")
    assert found["spec"]["template"]["spec"]["dnsPolicy"] == "Default"


async def test_a_foreign_object_with_a_childs_name_is_reported_and_left_alone(rig: Rig) -> None:
    theirs = SERVICE.head("calls", "reception") | {"spec": {"ports": [{"port": 80}]}}
    rig.cluster.create(SERVICE, theirs)
    before = rig.cluster.get(SERVICE, "calls", "reception")
    apply(rig.cluster)
    done = await rig.reconciler.reconcile(KEY)
    assert rig.cluster.get(SERVICE, "calls", "reception") == before
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "NameTaken")
    assert "Service reception" in message
    assert done.failed == message
    assert (DEPLOYMENT, "reception") in children(rig), "it keeps nothing else from being made"
    assert ("Warning", "NameTaken") in rig.events()

    rig.cluster.delete(SERVICE, "calls", "reception")
    assert (await rig.reconciler.reconcile(KEY)).failed == ""
    assert (SERVICE, "reception") in children(rig)
    assert condition(rig.agent, "Degraded")[:2] == ("False", "AsExpected")
    assert rig.events()[-1] == ("Normal", "AsExpected")


async def test_a_child_that_is_not_wanted_any_more_goes(rig: Rig) -> None:
    apply(rig.cluster, **SCALED)
    await rig.reconciler.reconcile(KEY)
    rig.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"autoscaling": None}})
    await rig.reconciler.reconcile(KEY)
    assert children(rig) == CHILDREN - {(AUTOSCALER, "reception")}


async def test_the_status_follows_the_pods_from_the_first_image_to_the_last_crash(
    rig: Rig,
) -> None:
    apply(rig.cluster, replicas=1)
    await rig.reconciler.reconcile(KEY)
    assert rig.events() == [], "that a new agent has no pod yet is no news"

    start_pod(rig.cluster, 1, waiting("ErrImagePull"))
    await rig.reconciler.reconcile(KEY)
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "ImageUnavailable")
    assert "example.com/media:1" in message
    await rig.reconciler.reconcile(KEY)
    assert rig.events() == [("Warning", "ImageUnavailable")], "said once"

    rig.cluster.delete(POD, "calls", "reception-1")
    start_pod(rig.cluster, 2)
    roll_out(rig.cluster, ready=1)
    rig.minutes = 1
    await rig.reconciler.reconcile(KEY)
    assert condition(rig.agent, "Ready")[:2] == ("True", "PodsReady")
    assert condition(rig.agent, "Progressing")[:2] == ("False", "RolledOut")
    assert rig.events()[1:] == [("Normal", "PodsReady"), ("Normal", "AsExpected")]

    ended = {"terminated": {"exitCode": 2, "reason": "Error", "message": "no weights"}}
    crashed = {"name": "media", "ready": False, "state": ended}
    rig.cluster.put_status(
        POD, "calls", "reception-2", {"phase": "Running", "containerStatuses": [crashed]}
    )
    roll_out(rig.cluster, ready=0)
    await rig.reconciler.reconcile(KEY)
    assert condition(rig.agent, "Ready")[:2] == ("False", "NoPodReady")
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "ContainerCrashes")
    assert "exit code 2 (no weights)" in message


async def test_a_volume_that_is_missing_is_found_in_the_pods_events(rig: Rig) -> None:
    apply(rig.cluster)
    start_pod(rig.cluster, 1, waiting("ContainerCreating"))
    pod = rig.cluster.get(POD, "calls", "reception-1")
    event = EVENT.head("calls", "mount") | {
        "reason": "FailedMount",
        "regarding": {"uid": pod["metadata"]["uid"]},
        "note": 'secret "tls" not found',
    }
    rig.cluster.create(EVENT, event)
    done = await rig.reconciler.reconcile(KEY)
    assert condition(rig.agent, "Degraded")[1] == "SecretMissing"
    assert done.again_after_s == RECHECK_S, "no watch reports events"


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (403, "exceeded quota: small", "QuotaExceeded"),
        (403, "denied by a webhook", "ChildRefused"),
        (400, "admission webhook: no", "ChildRefused"),
    ],
)
async def test_a_child_that_is_refused_keeps_no_other_from_being_made(
    rig: Rig, status: int, message: str, reason: str
) -> None:
    rig.cluster.fault = refusing(status, message, "PATCH", "/services/reception")
    apply(rig.cluster)
    done = await rig.reconciler.reconcile(KEY)
    assert done.failed
    degraded = condition(rig.agent, "Degraded")
    assert degraded[:2] == ("True", reason)
    assert message in degraded[2]
    assert (DEPLOYMENT, "reception") in children(rig)


async def test_an_api_server_in_trouble_is_no_verdict_about_the_agent(rig: Rig) -> None:
    rig.cluster.fault = refusing(500, "etcd is away", "PATCH", "/services/reception")
    apply(rig.cluster)
    with pytest.raises(ApiError, match="etcd is away"):
        await rig.reconciler.reconcile(KEY)
    assert "status" not in rig.agent


async def test_a_spec_that_the_models_refuse_is_named_and_its_pods_stay(rig: Rig) -> None:
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    there = children(rig)
    rig.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"dialogue": {"kind": "unheardOf"}}})
    await rig.reconciler.reconcile(KEY)
    for kind in ("Ready", "Degraded"):
        _, reason, message = condition(rig.agent, kind)
        assert reason == "BadSpec"
        assert "unheardOf" in message
    assert children(rig) == there


async def test_a_pod_template_that_does_not_fit_is_named(rig: Rig) -> None:
    apply(rig.cluster, podTemplate={"spec": {"volumes": [{"emptyDir": {}}]}})
    await rig.reconciler.reconcile(KEY)
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "BadPodTemplate")
    assert "spec.podTemplate: spec.volumes[0]" in message


async def test_a_deleted_agent_leaves_nothing_behind(rig: Rig) -> None:
    apply(rig.cluster, **SCALED)
    await rig.reconciler.reconcile(KEY)
    rig.cluster.delete(VOICE_AGENT, *KEY)
    rig.cluster.writes.clear()
    done = await rig.reconciler.reconcile(KEY)
    assert done.gone
    assert KEY not in rig.reconciler.known
    assert children(rig) == set(), "owner references, not requests of the operator's"
    assert rig.cluster.writes == []


async def test_an_agent_that_is_being_deleted_is_left_alone(rig: Rig) -> None:
    apply(rig.cluster)
    rig.cluster.edit(VOICE_AGENT, *KEY, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert (await rig.reconciler.reconcile(KEY)).writes == 0
    assert rig.cluster.writes == []


async def test_a_scale_down_ranks_the_pods_by_their_calls_first(rig: Rig) -> None:
    apply(rig.cluster, replicas=2)
    await rig.reconciler.reconcile(KEY)
    rig.pods.calls = {start_pod(rig.cluster, 1): 3, start_pod(rig.cluster, 2): 0}
    rig.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"replicas": 1}})
    rig.cluster.writes.clear()
    await rig.reconciler.reconcile(KEY)
    costs = {
        each["metadata"]["name"]: each["metadata"]["annotations"][names.DELETION_COST]
        for each in rig.cluster.all(POD)
    }
    assert costs == {"reception-1": "3", "reception-2": "0"}
    paths = [path for _, path in rig.cluster.writes]
    ranked = max(paths.index(POD.path("calls", name)) for name in costs)
    assert ranked < paths.index(DEPLOYMENT.path("calls", "reception"))


async def test_pods_learn_of_a_new_manifest_at_once(rig: Rig) -> None:
    """A kubelet reads a changed ConfigMap when the pod changes, else once a minute."""
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    start_pod(rig.cluster, 1)
    await rig.reconciler.reconcile(KEY)
    before = rig.cluster.get(POD, "calls", "reception-1")["metadata"]["annotations"]
    rig.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"capacity": {"calls": 9}}})
    await rig.reconciler.reconcile(KEY)
    after = rig.cluster.get(POD, "calls", "reception-1")["metadata"]["annotations"]
    assert before[names.MANIFEST_SEEN] != after[names.MANIFEST_SEEN]
