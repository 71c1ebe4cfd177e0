"""For all values of the matrix, objects are valid, restricted and consistent."""

import json
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
from helm_python import chart as helm

from chart.cases import CASES
from chart.rendering import CHART, Json, objects, one, pods, texts
from chart.restricted import violations

KUBERNETES = ("1.29", "1.33", "1.36")
FOREIGN = {"Certificate", "PodMonitor", "PrometheusRule"}
"""Kinds that are not built into Kubernetes."""

OTHERS = {("ServiceAccount", "default"), ("ServiceAccount", "8")}
"""Objects that the cluster or the user who installs provides."""

matrix = pytest.mark.parametrize("case", CASES)


@cache
def invalid(version: str, text: str) -> str | None:
    """Errors of an object, as JSON, against the strict schemas of a Kubernetes version."""
    try:
        kubernetes_validate.validate(json.loads(text), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{error.path}: {error.message}"
    return None


@matrix
@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_are_valid(case: str, version: str) -> None:
    for each in objects(CASES[case]):
        if each["kind"] not in FOREIGN:
            problem = invalid(version, json.dumps(each, sort_keys=True))
            assert problem is None, f"{each['kind']} {each['metadata']['name']}: {problem}"


@matrix
def test_pods_comply_with_restricted_except_with_host_network(case: str) -> None:
    for name, template in pods(objects(CASES[case])).items():
        found = list(violations(template["spec"]))
        wanted = (
            ["hostNetwork"] if (case, "StatefulSet" in name) == ("the node's network", True) else []
        )
        assert found == wanted, name
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


@matrix
def test_names_are_unique_and_labels_are_the_recommended_ones(case: str) -> None:
    found = objects(CASES[case])
    names = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in found
    ]
    assert len(set(names)) == len(names)
    own = [each for each in found if each["metadata"]["name"] not in ("as-text", "interject-more")]
    for each in own:
        labels = each["metadata"]["labels"]
        wanted = ("name", "instance", "version", "component", "part-of", "managed-by")
        assert {f"app.kubernetes.io/{part}" for part in wanted} <= labels.keys(), each
        assert all(len(value) <= 63 for value in labels.values())


@matrix
def test_selectors_find_pods(case: str) -> None:
    found = objects(CASES[case])
    labels = [template["metadata"]["labels"] for template in pods(found).values()]
    for each in found:
        selector = each.get("spec", {}).get("selector") or each.get("spec", {}).get("podSelector")
        if selector is None:
            continue
        wanted = dict(selector.get("matchLabels", selector))
        wanted.pop("statefulset.kubernetes.io/pod-name", None)
        assert any(wanted.items() <= have.items() for have in labels), each["metadata"]["name"]


@matrix
def test_objects_that_pods_refer_to_exist(case: str) -> None:
    values = CASES[case]
    found = objects(values)
    there = {(each["kind"], each["metadata"]["name"]) for each in found}
    given = {"anna", "sip-tls", "metrics-tls", "interject-metrics-api-tls", "11", "13", "14"}
    for template in pods(found).values():
        for kind, name in _references(template["spec"]):
            known = (kind, name) in there or (kind == "Secret" and name in given)
            assert known or (kind, name) in OTHERS, (kind, name)


def _references(pod: Json) -> list[tuple[str, str]]:
    found = [("ServiceAccount", pod["serviceAccountName"])]
    for volume in pod.get("volumes", []):
        if "configMap" in volume and not volume["configMap"].get("optional"):
            found.append(("ConfigMap", volume["configMap"]["name"]))
        if "secret" in volume:
            found.append(("Secret", volume["secret"]["secretName"]))
    for container in pod["containers"]:
        for variable in container.get("env", []):
            secret = variable.get("valueFrom", {}).get("secretKeyRef")
            if secret:
                found.append(("Secret", secret["name"]))
    return found


@matrix
def test_rendering_is_stable(case: str) -> None:
    assert texts(CASES[case]) == texts(CASES[case])


@pytest.mark.parametrize("kube_version", ["v1.27.0", "v1.36.0"])
def test_helm_lint_passes(kube_version: str) -> None:
    report = helm.lint(CHART, strict=True, kube_version=kube_version)
    assert report["errors"] == []
    serious = [each["error"] for each in report["messages"] if each["severity"] > 1]
    assert serious == []


def test_no_image_is_latest_and_a_digest_takes_precedence_over_a_tag() -> None:
    images = _images(objects())
    assert images == {f"interject-{part}:0.1.0" for part in ("operator", "media", "asterisk")}
    operator = one(objects(CASES["everything"]), "Deployment")["spec"]["template"]["spec"]
    assert operator["containers"][0]["image"] == "example.com/operator@sha256:" + "0" * 64


def _images(found: list[Json]) -> set[str]:
    def walk(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(walk, value))
        if not isinstance(value, dict):
            return set()
        if value.get("name") == "INTERJECT_MEDIA_IMAGE":
            return {value["value"]}
        own = {value["image"]} if isinstance(value.get("image"), str) else set()
        return own.union(*map(walk, value.values()))

    return set().union(*(walk(template) for template in pods(found).values()))


def test_the_notes_explain_how_to_call_and_what_is_kept() -> None:
    notes = texts()["NOTES.txt"]
    assert "user      601" in notes
    assert "Dial 100" in notes
    assert "get secret interject-asterisk" in notes
    assert "your VoiceAgents are kept" in notes
    assert "Lease interject-operator, ConfigMap interject-dialplan-asterisk." in notes
    served = texts(CASES["metrics API"])["NOTES.txt"]
    assert "Secret interject-metrics-api-tls, ConfigMap interject-dialplan-asterisk." in served
    gone = texts({"crds": {"keep": False}})["NOTES.txt"]
    assert "with it every VoiceAgent in the cluster" in gone
    assert "Dial" not in texts(CASES["nothing"])["NOTES.txt"]
