"""Renders the chart with Helm's template engine."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart, HelmError, _native

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "interject"
NAMESPACE = "voice"
RELEASE = "interject"


@cache
def loaded() -> Chart:
    """The chart, loaded once because no test modifies it."""
    return Chart.load(CHART)


def values_with(values: Json | None = None) -> Json:
    """`values` with what the chart requires where it is rendered without a cluster: a password of
    each phone."""
    given = dict(values or {})
    asterisk = {"phones": [{"name": "601"}]} | given.get("asterisk", {})
    phones = [
        each if each.keys() & {"password", "existingSecret"} else each | {"password": "generated"}
        for each in asterisk["phones"]
    ]
    return given | {"asterisk": asterisk | {"phones": phones}}


def as_argo_cd(values: Json) -> dict[str, str]:
    """Rendered templates, with the APIs of a cluster known and no lookup answered."""
    apis = ["apiregistration.k8s.io/v1/APIService", "interject.dev/v1alpha1/VoiceAgent"]
    options = {"name": RELEASE, "namespace": NAMESPACE, "api_versions": apis}
    arguments = (loaded()._raw(), json.dumps(values_with(values)), json.dumps(options))
    # Chart.render has no parameter for this option of the library.
    rendered: dict[str, str] = json.loads(_native.call_string("helm_render", *arguments))
    return rendered


def texts(values: Json | None = None) -> dict[str, str]:
    """Rendered templates by path below templates/."""
    rendered = loaded().render(values_with(values), name=RELEASE, namespace=NAMESPACE)
    return {path.partition("/templates/")[2]: text for path, text in rendered.items()}


def objects(values: Json | None = None) -> list[Json]:
    """All objects of a release; do not modify them."""
    return list(_objects(json.dumps(values or {}, sort_keys=True)))


@cache
def _objects(values: str) -> tuple[Json, ...]:
    return tuple(parsed(texts(json.loads(values))))


def parsed(rendered: dict[str, str]) -> list[Json]:
    """The objects in rendered templates."""
    return [
        document
        for path, text in rendered.items()
        if path.endswith(".yaml")
        for document in _parsed(text)
    ]


@cache
def _parsed(text: str) -> tuple[Json, ...]:
    """Cached, because parsing the CRD takes longer than rendering all other templates."""
    return tuple(document for document in yaml.safe_load_all(text) if document)


def one(found: Iterable[Json], kind: str, name: str | None = None) -> Json:
    """The only object of this kind, and of this name if given."""
    (only,) = (
        each for each in found if each["kind"] == kind and name in (None, each["metadata"]["name"])
    )
    return only


def refused(values: Json) -> str:
    """Helm's error message for invalid values; asserts that there is one."""
    with pytest.raises(HelmError) as error:
        texts(values)
    return str(error.value)


def pods(found: Iterable[Json]) -> dict[str, Json]:
    """Pods and pod templates by kind and name."""
    templates = {}
    for each in found:
        template = each if each["kind"] == "Pod" else each.get("spec", {}).get("template")
        if template:
            templates[f"{each['kind']}/{each['metadata']['name']}"] = template
    return templates
