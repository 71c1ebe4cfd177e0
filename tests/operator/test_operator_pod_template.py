"""A pod template that would end calls sooner than their drain is refused with its reason."""

from typing import Any

import pytest
from memory_cluster import condition
from reconciler_rig import KEY, Rig, apply
from voice_agents import SETTING, agent

from voiceagent_operator.kube.kinds import DEPLOYMENT, VOICE_AGENT, Json
from voiceagent_operator.render.children import children
from voiceagent_operator.render.drain_check import DrainCutError

GRACE = "terminationGracePeriodSeconds"
HOOK = {"preStop": {"exec": {"command": ["sleep", "5"]}}}


def media(**fields: Any) -> Json:
    return {"containers": [{"name": "media", **fields}]}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({GRACE: 30}, "terminationGracePeriodSeconds: found 30; allowed: 630 at least"),
        ({GRACE: 629}, "found 629; allowed: 630 at least"),
        ({"$patch": "delete"}, "found nothing, which is 30 to Kubernetes"),
        ({"$patch": "replace", GRACE: 900}, "found no container media"),
        ({"$retainKeys": ["containers"]}, "found nothing"),
        ({"containers": None}, "found no container media"),
        ({"containers": [{"name": "media", "$patch": "delete"}]}, "found no container media"),
        ({"containers": [{"$patch": "replace"}, {"name": "x"}]}, "found no container media"),
        ({"containers": [{"$patch": "replace", "name": "media"}]}, "found no container media"),
    ],
)
def test_what_ends_calls_before_their_drain_is_refused(spec: Json, says: str) -> None:
    each = agent(drain={"timeoutSeconds": 600}, podTemplate={"spec": spec})
    with pytest.raises(DrainCutError) as refused:
        children(each, SETTING)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "spec",
    [
        {GRACE: 630},
        {GRACE: None},
        {GRACE: 3600},
        media(lifecycle=HOOK),
        media(lifecycle={"postStart": {"exec": {"command": ["true"]}}}),
        {"containers": [{"name": "sidecar", "image": "x", "lifecycle": HOOK}]},
    ],
)
def test_what_leaves_calls_their_time_is_not(spec: Json) -> None:
    children(agent(drain={"timeoutSeconds": 600}, podTemplate={"spec": spec}), SETTING)


async def test_the_reason_is_in_the_status_and_the_pods_stay_as_they_are() -> None:
    rig = Rig()
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    before = rig.cluster.get(DEPLOYMENT, *KEY)["spec"]
    rig.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"podTemplate": {"spec": {GRACE: 30}}}})
    await rig.reconciler.reconcile(KEY)
    status, reason, message = condition(rig.agent, "Degraded")
    assert (status, reason) == ("True", "BadPodTemplate")
    assert "spec.podTemplate: spec.terminationGracePeriodSeconds: found 30" in message
    assert "drain.timeoutSeconds" in message
    assert rig.cluster.get(DEPLOYMENT, *KEY)["spec"] == before
