"""What is done to children, and what is left alone."""

from copy import deepcopy

import pytest
from voice_agents import SETTING, agent

from voiceagent_operator.agents import names
from voiceagent_operator.decide.plan import RepairReason, make_plan, matches, shaped, trace
from voiceagent_operator.kube.kinds import AUTOSCALER, DEPLOYMENT, SERVICE, Json
from voiceagent_operator.render.children import Child, Slot, children

AGENT = agent()
DESIRED = children(AGENT, SETTING)


def live() -> dict[Slot, Json]:
    """Everything as an API server has it: with defaults and what controllers add."""
    found = {(child.kind, child.name): deepcopy(child.body) for child in DESIRED}
    for each in found.values():
        each["metadata"] |= {"uid": "u", "resourceVersion": "9", "generation": 1}
        each["status"] = {"anything": True}
    deployment = found[DEPLOYMENT, "reception"]
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["terminationMessagePath"] = "/dev/termination-log"
    container["env"].insert(0, {"name": "INJECTED", "value": "by a webhook"})
    return found


def test_nothing_to_do_means_nothing_is_done() -> None:
    assert make_plan(AGENT, DESIRED, live(), {}).empty


def test_what_is_missing_is_made() -> None:
    there = live()
    del there[SERVICE, "reception"]
    ((child, why),) = make_plan(AGENT, DESIRED, there, {}).apply
    assert (child.kind, child.name, why) == (SERVICE, "reception", RepairReason.MISSING)


def test_a_changed_agent_is_applied_where_it_differs() -> None:
    changed = children(agent(replicas=3), SETTING)
    applied = make_plan(AGENT, changed, live(), {}).apply
    assert [(child.kind, why) for child, why in applied] == [(DEPLOYMENT, RepairReason.CHANGED)]


@pytest.mark.parametrize(
    "path",
    [
        ("spec", "replicas"),
        ("spec", "template", "spec", "terminationGracePeriodSeconds"),
        ("metadata", "labels", names.AGENT),
    ],
)
def test_an_edit_by_hand_is_repaired(path: tuple[str, ...]) -> None:
    there = live()
    *parents, last = path
    place = there[DEPLOYMENT, "reception"]
    for key in parents:
        place = place[key]
    place[last] = "edited"
    ((child, why),) = make_plan(AGENT, DESIRED, there, {}).apply
    assert (child.kind, why) == (DEPLOYMENT, RepairReason.DRIFTED)


def test_what_the_api_server_writes_its_own_way_is_no_edit_once_it_is_known() -> None:
    there = live()
    slot = (DEPLOYMENT, "reception")
    resources = there[slot]["spec"]["template"]["spec"]["containers"][0]["resources"]
    resources["limits"]["memory"] = "430Mi5"
    assert not make_plan(AGENT, DESIRED, there, {}).empty
    (child,) = [each for each in DESIRED if (each.kind, each.name) == slot]
    left = {slot: trace(child, there[slot])}
    assert make_plan(AGENT, DESIRED, there, left).empty
    there[slot]["spec"]["replicas"] = 9
    assert not make_plan(AGENT, DESIRED, there, left).empty


def test_what_is_no_longer_wanted_is_removed_if_it_is_this_agents() -> None:
    scaled = agent(autoscaling={"metricSource": "operator"})
    old = [child for child in children(scaled, SETTING) if child.kind is AUTOSCALER]
    there = live() | {(each.kind, each.name): deepcopy(each.body) for each in old}
    assert make_plan(AGENT, DESIRED, there, {}).prune == ((AUTOSCALER, "reception"),)
    there[AUTOSCALER, "reception"]["metadata"]["ownerReferences"][0]["uid"] = "an earlier agent"
    assert make_plan(AGENT, DESIRED, there, {}).prune == ()


def test_named_items_are_found_wherever_they_are() -> None:
    desired = [{"name": "b", "value": "2"}, {"name": "a", "value": "1"}]
    found = [{"name": "a", "value": "1"}, {"name": "x"}, {"name": "b", "value": "2", "more": 1}]
    assert matches({"env": found}, {"env": desired})
    assert not matches({"env": found[:2]}, {"env": desired})


def test_lists_without_names_are_compared_whole() -> None:
    assert matches({"args": ["a", "b"]}, {"args": ["a", "b"]})
    assert not matches({"args": ["a", "b", "c"]}, {"args": ["a", "b"]})
    assert not matches({"args": ["b", "a"]}, {"args": ["a", "b"]})


def test_zero_and_false_are_values() -> None:
    assert not matches({"replicas": None}, {"replicas": 0})
    assert not matches({}, {"policy": False})
    assert matches({}, {"labels": {}})
    assert shaped({"replicas": 0}, {"replicas": 0}) == {"replicas": 0}


def test_every_child_has_a_place_of_its_own() -> None:
    slots = [(child.kind, child.name) for child in DESIRED]
    assert len(set(slots)) == len(slots)
    assert all(isinstance(child, Child) for child in DESIRED)
