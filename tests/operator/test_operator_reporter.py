"""Status and events: written when they differ, never in the way of anything else."""

import logging

import pytest
from memory_cluster import condition, refusing
from reconciler_rig import KEY, Rig, apply, roll_out, start_pod

from voiceagent_operator.decide.status import PublicationState
from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.kube.kinds import EVENT, VOICE_AGENT

STATUS = VOICE_AGENT.path(*KEY, "status")


async def test_an_event_names_the_agent_the_replica_and_the_cause() -> None:
    rig = Rig()
    rig.publication = PublicationState(taken=(("100", "calls/older"),))
    apply(rig.cluster, telephony={"extensions": ["100"]})
    await rig.reconciler.reconcile(KEY)
    (event,) = rig.cluster.all(EVENT)
    assert event["regarding"]["uid"] == rig.agent["metadata"]["uid"]
    assert event["reportingInstance"] == "operator-0"
    assert (event["type"], event["reason"]) == ("Warning", "ExtensionTaken")
    assert "100 (calls/older)" in event["note"]
    assert event["eventTime"] == "2026-01-01T00:00:00.000000Z"


async def test_an_event_that_is_refused_costs_the_event_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.cluster.fault = refusing(403, "quota of events", "POST", "/events")
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    start_pod(rig.cluster, 1)
    roll_out(rig.cluster, ready=1)
    with caplog.at_level(logging.WARNING):
        await rig.reconciler.reconcile(KEY)
    assert condition(rig.agent, "Ready")[:2] == ("True", "PodsReady")
    assert "quota of events" in caplog.text


async def test_a_status_that_cannot_be_written_is_tried_again() -> None:
    rig = Rig()
    rig.cluster.fault = refusing(500, "etcd is away", "PATCH", STATUS)
    apply(rig.cluster)
    with pytest.raises(ApiError, match="etcd is away"):
        await rig.reconciler.reconcile(KEY)
    rig.cluster.fault = lambda verb, path: None
    await rig.reconciler.reconcile(KEY)
    assert condition(rig.agent, "Ready")[:2] == ("False", "NoPodReady")


async def test_an_agent_that_is_deleted_meanwhile_needs_no_status() -> None:
    rig = Rig()
    rig.cluster.fault = refusing(404, "not found", "PATCH", STATUS)
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    assert "status" not in rig.agent
    assert rig.events() == []


async def test_fields_that_an_older_crd_refuses_are_left_out() -> None:
    rig = Rig(refused=frozenset({"endpoints"}))
    apply(rig.cluster)
    await rig.reconciler.reconcile(KEY)
    assert "endpoints" not in rig.agent["status"]
    assert condition(rig.agent, "Ready")[:2] == ("False", "NoPodReady")
    assert (await rig.reconciler.reconcile(KEY)).writes == 0
