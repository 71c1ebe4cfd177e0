"""Conditions, causes and events of an agent."""

from typing import Any

import pytest
from voice_agents import agent, voice_agent

from asterisk_config.number_plan import Refusal
from media_pod.manifest.status import Status
from voiceagent_operator.decide.causes import Cause, find_cause
from voiceagent_operator.decide.status import (
    ConditionChange,
    Observed,
    PublicationState,
    bad_spec,
    condition_changes,
    event,
    make_status,
)
from voiceagent_operator.kube.kinds import Json

NOW, LATER = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"


def deployment(replicas: int = 2, ready: int = 2, updated: int = 2, **more: Any) -> Json:
    status = {
        "replicas": replicas,
        "readyReplicas": ready,
        "updatedReplicas": updated,
        "observedGeneration": 3,
        **more,
    }
    return {"metadata": {"generation": 3}, "status": status}


def conditions(seen: Observed, old: Json | None = None, **spec: Any) -> dict[str, tuple[str, str]]:
    made = make_status(agent(**spec), seen, old or {}, "1", NOW)
    return {each["type"]: (each["status"], each["reason"]) for each in made["conditions"]}


def test_an_agent_whose_pods_answer_is_ready() -> None:
    found = conditions(Observed(deployment(), calls=3, ready_calls=3))
    assert found == {
        "Ready": ("True", "PodsReady"),
        "Progressing": ("False", "RolledOut"),
        "Degraded": ("False", "AsExpected"),
        "CapacityAvailable": ("True", "RoomLeft"),
        "Published": ("True", "NothingToPublish"),
    }


def test_the_status_is_what_the_resource_documents() -> None:
    seen = Observed(deployment(), calls=3, image="example.com/media:1")
    Status.model_validate(make_status(agent(), seen, {}, "1", NOW), by_alias=True, by_name=False)


def test_a_new_agent_is_not_ready_yet_and_not_degraded_either() -> None:
    found = conditions(Observed())
    assert found["Ready"] == ("False", "NoPodReady")
    assert found["Progressing"] == ("True", "RollingOut")
    assert found["Degraded"] == ("False", "AsExpected")


def test_a_rollout_is_in_progress_until_the_last_old_pod_is_replaced() -> None:
    assert conditions(Observed(deployment(3, 3, 1)))["Progressing"][0] == "True"
    stale = deployment()
    stale["metadata"]["generation"] = 4
    assert conditions(Observed(stale))["Progressing"][0] == "True"


def test_capacity_is_that_of_ready_pods_and_full_when_as_many_calls_are_active() -> None:
    three_of_which_two_are_ready = deployment(3, ready=2, updated=3)

    def capacity(calls: int | None) -> tuple[int, tuple[str, str]]:
        # The third has three calls.
        seen = Observed(
            three_of_which_two_are_ready,
            calls=None if calls is None else calls + 3,
            ready_calls=calls,
        )
        spec: dict[str, Any] = {"replicas": 3, "capacity": {"calls": 5}}
        made = make_status(agent(**spec), seen, {}, "1", NOW)
        return made["capacity"], conditions(seen, None, **spec)["CapacityAvailable"]

    assert capacity(None) == (10, ("Unknown", "NotAsked"))
    assert capacity(9) == (10, ("True", "RoomLeft"))
    assert capacity(10) == (10, ("False", "Full"))


def test_scaled_to_zero_is_said() -> None:
    assert conditions(Observed(deployment(0, 0, 0)), replicas=0)["Ready"] == (
        "False",
        "ScaledToZero",
    )


@pytest.mark.parametrize(
    ("publication", "verdict"),
    [
        (PublicationState(("100",)), ("True", "InDialplan")),
        (PublicationState(taken=(("100", "calls/older"),)), ("False", "ExtensionTaken")),
        (
            PublicationState(refused=(Refusal("112", "ExtensionReserved", "emergency number"),)),
            ("False", "ExtensionReserved"),
        ),
        (PublicationState(asterisk_found=False), ("False", "NoAsterisk")),
        (PublicationState(pending=True), ("Unknown", "Pending")),
    ],
)
def test_publication(publication: PublicationState, verdict: tuple[str, str]) -> None:
    seen = Observed(deployment(), publication=publication)
    assert conditions(seen, telephony={"extensions": ["100"]})["Published"] == verdict


def test_all_refused_extensions_are_named_with_their_reasons() -> None:
    publication = PublicationState(
        refused=(Refusal("_X.", "ExtensionReserved", "overlaps phone 601"),),
        taken=(("100", "calls/older"),),
    )
    seen = Observed(deployment(), publication=publication)
    made = make_status(agent(telephony={"extensions": ["_X.", "100"]}), seen, {}, "1", NOW)
    (found,) = (each for each in made["conditions"] if each["type"] == "Published")
    assert "_X. (overlaps phone 601)" in found["message"]
    assert "100 (calls/older)" in found["message"]


def test_a_transfer_that_asterisk_does_not_make_is_a_fault_with_its_remedy() -> None:
    place = "from-internal,00900123,1"
    seen = Observed(deployment(), publication=PublicationState(blocked_transfers=(place,)))
    made = make_status(agent(), seen, {}, "1", NOW)
    (found,) = (each for each in made["conditions"] if each["type"] == "Degraded")
    assert (found["status"], found["reason"]) == ("True", "TransferNotAllowed")
    assert place in found["message"] and "asterisk.transferPlaces" in found["message"]


def test_a_condition_keeps_its_time_while_it_keeps_its_status() -> None:
    old = make_status(agent(), Observed(), {}, "1", NOW)
    new = make_status(agent(), Observed(deployment()), old, "1", LATER)
    times = {each["type"]: each["lastTransitionTime"] for each in new["conditions"]}
    assert (times["Ready"], times["Degraded"]) == (LATER, NOW)
    assert make_status(agent(), Observed(deployment()), new, "1", "later still") == new


def test_a_refused_spec_leaves_the_numbers_as_they_were() -> None:
    old = make_status(agent(), Observed(deployment(), calls=2), {}, "1", NOW)
    new = bad_spec(2, "spec.change: wrong", old, "1", LATER)
    assert (new["activeCalls"], new["observedGeneration"]) == (2, 2)
    assert {each["reason"] for each in new["conditions"]} == {"BadSpec"}


def test_events_report_changes_and_never_twice() -> None:
    old = make_status(agent(), Observed(), {}, "1", NOW)
    new = make_status(agent(), Observed(deployment()), old, "1", LATER)
    posted = [
        event(voice_agent(), change, "pod-1", LATER, "x") for change in condition_changes(old, new)
    ]
    assert [each["reason"] for each in posted if each] == ["PodsReady"]
    assert condition_changes(new, new) == []


def test_a_bad_turn_is_a_warning() -> None:
    change = ConditionChange("Degraded", "True", "SecretMissing", "secret x not found")
    found = event(voice_agent(), change, "pod-1", NOW, "x")
    assert found is not None
    assert (found["type"], found["reason"]) == ("Warning", "SecretMissing")


def pod(**status: Any) -> Json:
    return {
        "metadata": {"name": "reception-1", "uid": "pod-1"},
        "spec": {"containers": [{"name": "media", "image": "example.com/media:1"}]},
        "status": status,
    }


def waiting(reason: str, message: str = "") -> Json:
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(
        conditions=[{"type": "PodScheduled", "status": "True"}],
        containerStatuses=[{"name": "media", "ready": False, "state": state}],
    )


CRASHED = {
    "name": "media",
    "ready": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
}
REFUSED = "interject: spec.tts: found no file /srv/voice.onnx; allowed: a voice"
LOGGED = CRASHED | {
    "lastState": {
        "terminated": {"exitCode": 2, "message": f"{'a line of the log' * 30}\n{REFUSED}\n"}
    }
}
MOUNT = {"reason": "FailedMount", "note": 'secret "k" not found', "regarding": {"uid": "pod-1"}}
NO_NODE = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
NO_MOUNT = 'MountVolume.SetUp failed for volume "interject-secrets" : '
NO_KEY = {
    "reason": "FailedMount",
    "note": NO_MOUNT + "references non-existent secret key: api-key",
    "regarding": {"uid": "pod-1"},
}
QUOTA = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}


@pytest.mark.parametrize(
    ("found", "pods", "events", "reason", "says"),
    [
        (deployment(conditions=[QUOTA]), [], [], "QuotaExceeded", "exceeded quota: small"),
        (
            deployment(),
            [waiting("CreateContainerConfigError", 'secret "llm" not found')],
            [],
            "SecretMissing",
            'secret "llm" not found',
        ),
        (
            deployment(),
            [waiting("CreateContainerConfigError", "couldn't find key k.txt in Secret calls/llm")],
            [],
            "SecretKeyMissing",
            "add the key k.txt to Secret llm",
        ),
        (
            deployment(),
            [waiting("CreateContainerConfigError", "couldn't find key k in ConfigMap calls/llm")],
            [],
            "BadConfig",
            "ConfigMap calls/llm",
        ),
        (deployment(), [waiting("ErrImagePull")], [], "ImageUnavailable", "example.com/media:1"),
        (deployment(), [waiting("ImagePullBackOff")], [], "ImageUnavailable", "media:1"),
        (deployment(), [waiting("ContainerCreating")], [MOUNT], "SecretMissing", "create it"),
        (deployment(), [pod(conditions=[NO_NODE])], [], "Unschedulable", "0/3 nodes"),
        (deployment(), [pod(containerStatuses=[CRASHED])], [], "ContainerCrashes", "exit code 2"),
        (deployment(), [pod(containerStatuses=[LOGGED])], [], "ContainerCrashes", REFUSED),
    ],
)
def test_the_real_cause_is_found(
    found: Json, pods: list[Json], events: list[Json], reason: str, says: str
) -> None:
    cause = find_cause(found, pods, events)
    assert isinstance(cause, Cause)
    assert cause.reason == reason
    assert says in cause.message
    assert "\n" not in cause.message


def test_the_missing_key_of_a_mounted_secret_is_named_with_its_secret() -> None:
    found = waiting("ContainerCreating")
    keys = {"llm": ("api-key", False), "stt": ("other", False), "tts": ("api-key", True)}
    sources = [
        {"secret": {"name": name, "optional": optional, "items": [{"key": key, "path": key}]}}
        for name, (key, optional) in keys.items()
    ]
    found["spec"]["volumes"] = [{"name": "interject-secrets", "projected": {"sources": sources}}]
    cause = find_cause(deployment(), [found], [NO_KEY])
    assert cause is not None
    assert cause.reason == "SecretKeyMissing"
    assert "non-existent secret key: api-key" in cause.message
    assert "add the key api-key to Secret llm, or correct the reference" in cause.message


def test_the_latest_problem_of_a_mount_is_the_cause() -> None:
    """A Secret that was missing was created, without the key."""
    before = MOUNT | {"deprecatedLastTimestamp": NOW}
    after = NO_KEY | {"deprecatedLastTimestamp": LATER}
    for events in ([before, after], [after, before]):
        cause = find_cause(deployment(), [waiting("ContainerCreating")], events)
        assert cause is not None
        assert cause.reason == "SecretKeyMissing"


def test_pods_that_start_or_go_are_no_cause() -> None:
    going = waiting("ErrImagePull")
    going["metadata"]["deletionTimestamp"] = NOW
    assert find_cause(deployment(), [waiting("ContainerCreating"), going], []) is None
    assert find_cause(None, [], []) is None
