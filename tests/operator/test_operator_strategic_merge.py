"""Merging pod templates: what users write over what the operator renders."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings

from pod_templates import patches, templates
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.render.strategic_merge import KEYS, MergeError, merge

BASE: Json = {
    "metadata": {"labels": {"app": "media", "tier": "voice"}},
    "spec": {
        "terminationGracePeriodSeconds": 3630,
        "containers": [
            {
                "name": "media",
                "image": "media:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"name": "http", "containerPort": 1650}],
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                "args": ["serve"],
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
        "tolerations": [{"key": "old", "operator": "Exists"}],
    },
}


def spec(patch: Json) -> Json:
    merged: Json = merge(BASE, {"spec": patch})["spec"]
    return merged


def media(patch: Json) -> Json:
    merged: Json = spec({"containers": [{"name": "media", **patch}]})["containers"][0]
    return merged


def test_a_field_of_the_agent_s_container_is_changed_and_the_rest_stays() -> None:
    changed = media({"image": "media:2"})
    assert changed == {**BASE["spec"]["containers"][0], "image": "media:2"}


def test_maps_merge_and_null_removes() -> None:
    assert merge(BASE, {"metadata": {"labels": {"tier": None, "team": "a"}}})["metadata"] == {
        "labels": {"app": "media", "team": "a"}
    }
    assert media({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": None}}})[
        "resources"
    ] == {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {}}


def test_a_sidecar_comes_first_as_kubernetes_has_it() -> None:
    names = [each["name"] for each in spec({"containers": [{"name": "proxy"}]})["containers"]]
    assert names == ["proxy", "media"]


def test_environment_by_name_ports_by_number_mounts_by_path() -> None:
    changed = media(
        {
            "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
            "ports": [{"containerPort": 1650, "hostPort": 80}],
            "volumeMounts": [{"mountPath": "/tmp", "readOnly": True}],
        }
    )
    assert changed["env"] == [
        {"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"},
    ]  # fmt: skip
    assert changed["ports"] == [{"name": "http", "containerPort": 1650, "hostPort": 80}]
    assert changed["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp", "readOnly": True}]


def test_lists_without_names_are_replaced() -> None:
    assert media({"args": ["--fast"]})["args"] == ["--fast"]
    new = [{"key": "gpu", "operator": "Exists"}]
    assert spec({"tolerations": new})["tolerations"] == new


def test_an_item_or_a_whole_list_goes() -> None:
    assert media({"env": [{"name": "A", "$patch": "delete"}]})["env"] == [
        {"name": "B", "value": "2"}
    ]
    only = media({"env": [{"$patch": "replace"}, {"name": "C", "value": "4"}]})["env"]
    assert only == [{"name": "C", "value": "4"}]
    anew = [{"name": "A", "$patch": "delete"}, {"name": "A", "valueFrom": {}}]
    assert {"name": "A", "valueFrom": {}} in media({"env": anew})["env"]


def test_a_map_is_replaced_or_emptied() -> None:
    replaced = media({"resources": {"$patch": "replace", "limits": {"cpu": "1"}}})["resources"]
    assert replaced == {"limits": {"cpu": "1"}}
    assert media({"resources": {"$patch": "delete"}})["resources"] == {}


def test_a_map_that_replaces_nothing_is_taken_too() -> None:
    """The API server would drop it without a word."""
    anew = {"$patch": "replace", "zone": "a"}
    assert spec({"nodeSelector": anew})["nodeSelector"] == {"zone": "a"}


def test_a_volume_becomes_one_of_another_type() -> None:
    tmp = {"name": "tmp", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}
    assert spec({"volumes": [tmp]})["volumes"] == [{"name": "tmp", "hostPath": {"path": "/x"}}]


def test_directives_do_not_stay_in_what_is_new() -> None:
    sidecar = {
        "name": "proxy",
        "image": None,
        "env": [{"name": "A", "$patch": "delete"}, {"name": "B", "value": None}],
        "resources": {"$patch": "delete"},
        "securityContext": {"$retainKeys": ["runAsUser"], "runAsUser": 1},
    }
    assert spec({"containers": [sidecar]})["containers"][0] == {
        "name": "proxy", "env": [{"name": "B"}], "securityContext": {"runAsUser": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (
            {"containers": [{"image": "a"}]},
            "spec.containers[0]: found no name, which is the merge key",
        ),
        ({"containers": ["media"]}, "spec.containers[0]: found 'media'; allowed: a map with at"),
        (
            {"containers": [{"name": "media", "ports": [{"containerPort": 1}, {"name": "x"}]}]},
            "spec.containers[0].ports[1]: found no containerPort, which is the merge key",
        ),
        ({"volumes": [{"$patch": "delete"}]}, "spec.volumes[0]: found no name"),
        ({"$patch": "merge"}, "spec: found $patch: merge; allowed: replace, delete"),
        ({"volumes": [{"name": "a", "$patch": "x"}]}, "spec.volumes[0]: found $patch: x; allowed"),
        ({"$setElementOrder/containers": []}, "spec: found $setElementOrder/containers, which"),
        ({"$deleteFromPrimitiveList/a": []}, "spec: found $deleteFromPrimitiveList/a, which only"),
        ({"$retainKeys": "a"}, "spec: found 'a' as $retainKeys; allowed: a list of keys"),
        (
            {"volumes": [{"name": "tmp", "$retainKeys": ["name"], "emptyDir": {}}]},
            "spec.volumes[0]: $retainKeys leaves out emptyDir, which is set; add it there",
        ),
        (
            {"tolerations": [{"key": "a"}, {"key": "old", "$patch": "delete"}]},
            "spec.tolerations[1]: found $patch; a list without merge key is replaced",
        ),
        ({"nodeSelector": {1: "a"}}, "spec.nodeSelector: found 1 as a key; allowed: text"),
    ],
)
def test_a_patch_that_means_nothing_says_where_and_what_is_allowed(
    patch: Json, message: str
) -> None:
    with pytest.raises(MergeError) as caught:
        spec(patch)
    assert str(caught.value).startswith(message)


@settings(max_examples=50, deadline=None)
@given(templates)
def test_nothing_laid_over_a_template_leaves_it(template: Json) -> None:
    assert merge(template, {}) == template


@settings(max_examples=50, deadline=None)
@given(templates)
def test_a_template_laid_over_itself_leaves_it(template: Json) -> None:
    assert merge(template, template) == template


@settings(max_examples=50, deadline=None)
@given(templates, patches())
def test_the_same_again_changes_nothing_more(template: Json, patch: Json) -> None:
    once = merge(template, patch)
    assert merge(once, patch) == once


@settings(max_examples=50, deadline=None)
@given(templates, templates, templates)
def test_one_after_the_other_or_both_together_is_the_same_but_for_order(
    template: Json, first: Json, second: Json
) -> None:
    in_turn = merge(merge(template, first), second)
    together = merge(template, merge(first, second))
    assert unordered(in_turn) == unordered(together)


@settings(max_examples=50, deadline=None)
@given(templates, patches())
def test_what_is_merged_is_not_changed_and_not_shared(template: Json, patch: Json) -> None:
    before = deepcopy((template, patch))
    merged = merge(template, patch)
    assert (template, patch) == before
    assert _ids(merged).isdisjoint(_ids(template) | _ids(patch))


@settings(max_examples=50, deadline=None)
@given(templates, patches())
def test_no_directive_and_no_null_is_left(template: Json, patch: Json) -> None:
    assert "$" not in str(merge(template, patch))
    assert "None" not in str(merge(template, patch))


def unordered(value: Any, path: str = "") -> Any:
    """With lists whose items have names in the order of these."""
    if isinstance(value, dict):
        return {key: unordered(each, f"{path}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        items = [unordered(each, path) for each in value]
        key = KEYS.get(path)
        return sorted(items, key=lambda item: str(item[key])) if key else items
    return value


def _ids(value: Any) -> set[int]:
    """Of all the maps and lists in it."""
    if isinstance(value, dict):
        return {id(value)}.union(*map(_ids, value.values()))
    if isinstance(value, list):
        return {id(value)}.union(*map(_ids, value))
    return set()
