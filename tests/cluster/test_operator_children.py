"""What the operator makes of a VoiceAgent, keeps so, and leaves when it is gone."""

import asyncio
from functools import partial
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.operators import (
    OperatorProcess,
    change,
    create,
    find,
    items,
    until,
    until_condition,
    voice_agent,
)
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    NETWORK_POLICY,
    SERVICE,
    SERVICE_ACCOUNT,
    VOICE_AGENT,
    Json,
    Kind,
)

pytestmark = pytest.mark.core

CHILDREN: list[tuple[Kind, str]] = [
    (SERVICE_ACCOUNT, "reception"),
    (CONFIG_MAP, "reception-manifest"),
    (SERVICE, "reception"),
    (SERVICE, "reception-pods"),
    (NETWORK_POLICY, "reception"),
    (DEPLOYMENT, "reception"),
    (DISRUPTION_BUDGET, "reception"),
    (AUTOSCALER, "reception"),
]
SCALED = {"autoscaling": {"metricSource": "operator"}}


async def family(api: ApiServer, namespace: str) -> list[tuple[Kind, str]]:
    """The children that are there."""
    return [slot for slot in CHILDREN if await find(api, slot[0], namespace, slot[1]) is not None]


async def until_made(api: ApiServer, namespace: str) -> None:
    """Until all children are there, and the agent's status is that of its latest spec."""

    async def made() -> bool:
        return await family(api, namespace) == CHILDREN

    await until("all children made", made, 15)
    await until_condition(api, namespace, "Ready", "NoPodReady")


@pytest.mark.timeout(100)
async def test_apply_makes_the_children_and_delete_leaves_nothing(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await create(api, voice_agent(namespace, **SCALED))
    await until_made(api, namespace)
    for kind, name in CHILDREN:
        found = await find(api, kind, namespace, name)
        assert found is not None
        assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "interject-operator"
        (owner,) = found["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("VoiceAgent", "reception")

    await api.delete(VOICE_AGENT.path(namespace, "reception"))

    async def gone() -> bool:
        ours = [await items(api, kind, namespace, names.OURS) for kind, _ in CHILDREN]
        return not any(ours)

    # The garbage collector discovers new kinds of owners every half minute.
    await until("everything gone", gone, 60)


async def edit(api: ApiServer, namespace: str, slot: tuple[Kind, str], patch: Json) -> None:
    await api.merge(slot[0].path(namespace, slot[1]), patch)


GRACE = "terminationGracePeriodSeconds"
EDITS: list[tuple[tuple[Kind, str], Json]] = [
    ((DEPLOYMENT, "reception"), {"spec": {"template": {"spec": {GRACE: 1}}}}),
    ((DEPLOYMENT, "reception"), {"spec": {"replicas": 7}}),
    ((CONFIG_MAP, "reception-manifest"), {"data": {"agent.yaml": "edited"}}),
    ((SERVICE, "reception"), {"spec": {"ports": [{"name": "http", "port": 9}]}}),
    ((SERVICE, "reception"), {"metadata": {"labels": {"app.kubernetes.io/part-of": None}}}),
    ((NETWORK_POLICY, "reception"), {"spec": {"ingress": None}}),
    ((DISRUPTION_BUDGET, "reception"), {"spec": {"maxUnavailable": 5}}),
    ((AUTOSCALER, "reception"), {"spec": {"maxReplicas": 99}}),
]
"""Of fields that the operator writes; others, as a Deployment's dnsPolicy, are their writers'."""


async def test_edits_by_hand_are_repaired_and_missing_children_come_back(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await create(api, voice_agent(namespace, **SCALED))
    await until_made(api, namespace)
    for (kind, name), patch in EDITS:
        before = await find(api, kind, namespace, name)
        assert before is not None
        await edit(api, namespace, (kind, name), patch)

        async def repaired(kind: Kind = kind, name: str = name, before: Json = before) -> bool:
            found = await find(api, kind, namespace, name)
            return found is not None and _essence(found) == _essence(before)

        await until(f"{kind.kind} {name} repaired after {patch}", repaired, 10)
    for kind, name in CHILDREN:
        await api.delete(kind.path(namespace, name))

    await until_made(api, namespace)
    assert await operator.metric("interject_operator_drift_repaired_total") >= len(EDITS)


def _essence(found: Json) -> Any:
    """What a person would compare."""
    return found.get("spec"), found.get("data"), found["metadata"]["labels"]


async def test_what_others_own_stays_and_what_is_ours_comes_back(
    api: ApiServer, cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    await create(api, voice_agent(namespace))
    await until_condition(api, namespace, "Ready", "NoPodReady")
    foreign = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: reception, namespace: {namespace}, annotations: {{team: voice}}}}
spec:
  replicas: 5
  template: {{spec: {{containers: [{{name: media, env: [{{name: THEIRS, value: "1"}}]}}]}}}}
"""
    refused = cluster.run(
        "apply", "--server-side", "--field-manager=team", "-f", "-", stdin=foreign
    )
    assert "conflict" in refused.stderr
    cluster.run(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=team",
        "-f",
        "-",
        stdin=foreign,
    )

    async def ours_again() -> bool:
        found = await find(api, DEPLOYMENT, namespace, "reception")
        assert found is not None
        return bool(found["spec"]["replicas"] == 2)

    await until("replicas as the VoiceAgent says", ours_again, 10)
    found = await find(api, DEPLOYMENT, namespace, "reception")
    assert found is not None
    assert found["metadata"]["annotations"]["team"] == "voice"
    env = found["spec"]["template"]["spec"]["containers"][0]["env"]
    assert "THEIRS" in {each["name"] for each in env}


async def test_an_object_of_another_owner_is_left_alone(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    theirs = CONFIG_MAP.head(namespace, "reception-manifest") | {"data": {"mine": "yes"}}
    await api.create(CONFIG_MAP.path(namespace), theirs)
    await create(api, voice_agent(namespace))
    message = await until_condition(api, namespace, "Degraded", "NameTaken")
    assert "ConfigMap reception-manifest" in message
    found = await find(api, CONFIG_MAP, namespace, "reception-manifest")
    assert found is not None
    assert found["data"] == {"mine": "yes"}
    await api.delete(CONFIG_MAP.path(namespace, "reception-manifest"))
    # The next resync may be half a minute away: other owners' objects are not watched.
    await change(api, namespace, replicas=1)
    await until_made_again(api, namespace)


async def until_made_again(api: ApiServer, namespace: str) -> None:
    async def theirs_is_ours() -> bool:
        found = await find(api, CONFIG_MAP, namespace, "reception-manifest")
        return found is not None and "agent.yaml" in found["data"]

    await until("the manifest made", theirs_is_ours, 15)


async def test_scale_reaches_the_deployment_and_the_eviction_policy_the_budget(
    api: ApiServer, cluster: Cluster, operator: OperatorProcess, namespace: str
) -> None:
    await create(api, voice_agent(namespace))
    await until_condition(api, namespace, "Ready", "NoPodReady")

    async def followed(replicas: int, most: int) -> bool:
        deployment = await find(api, DEPLOYMENT, namespace, "reception")
        budget = await find(api, DISRUPTION_BUDGET, namespace, "reception")
        assert deployment is not None
        assert budget is not None
        there = (deployment["spec"]["replicas"], budget["spec"]["maxUnavailable"])
        return there == (replicas, most)

    scaled = cluster.run("scale", "va", "reception", "--replicas=1", "-n", namespace)
    assert scaled.returncode == 0, scaled.stderr
    await until("one replica, which may be evicted", partial(followed, 1, 1), 10)
    await change(api, namespace, eviction="never")
    await until("one replica, which may not be evicted", partial(followed, 1, 0), 10)


async def test_turned_off_autoscaling_takes_the_autoscaler_away(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await create(api, voice_agent(namespace, **SCALED))
    await until_made(api, namespace)
    await change(api, namespace, autoscaling={"metricSource": "none"})

    async def pruned() -> bool:
        return await find(api, AUTOSCALER, namespace, "reception") is None

    await until("the autoscaler gone", pruned, 10)


async def test_nothing_is_written_while_nothing_changes(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    # Without pods: those that wait for an image change all the time.
    await create(api, voice_agent(namespace, replicas=0))
    await until_condition(api, namespace, "Ready", "ScaledToZero")

    async def settled() -> bool:
        before = await versions(api, namespace)
        await asyncio.sleep(1)
        return await versions(api, namespace) == before

    await until("nothing written for a second", settled, 20)
    before = await versions(api, namespace)
    before_edits = await operator.metric('interject_operator_reconciles_total{result="unchanged"}')
    # Another client's annotation triggers a reconcile, which has nothing to change.
    for turn in range(3):
        patch = {"metadata": {"annotations": {"note": str(turn)}}}
        await api.merge(NETWORK_POLICY.path(namespace, "reception"), patch)
        await asyncio.sleep(1)
    after = await versions(api, namespace)
    assert {slot for slot in after if after[slot] != before[slot]} == {"NetworkPolicy reception"}
    unchanged = await operator.metric('interject_operator_reconciles_total{result="unchanged"}')
    assert unchanged >= before_edits + 3


async def versions(api: ApiServer, namespace: str) -> dict[str, str]:
    """What changes whenever anybody writes, of the agent and its children."""
    there = [(VOICE_AGENT, "reception"), *CHILDREN[:-1]]
    found = {f"{kind.kind} {name}": await find(api, kind, namespace, name) for kind, name in there}
    return {slot: each["metadata"]["resourceVersion"] for slot, each in found.items() if each}


async def test_events_are_sent_once(
    api: ApiServer, operator: OperatorProcess, namespace: str
) -> None:
    await create(
        api, voice_agent(namespace, podTemplate={"spec": {"nodeSelector": {"no": "where"}}})
    )
    await until_condition(api, namespace, "Degraded", "Unschedulable")
    await change(api, namespace, turn={"endSilenceMs": 900})
    await asyncio.sleep(3)
    reasons = [
        each["reason"]
        for each in await items(api, EVENT, namespace)
        if each["regarding"]["kind"] == "VoiceAgent"
    ]
    assert reasons == ["Unschedulable"]
