"""What the chart becomes, rendered by Helm's own engine."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart, HelmError

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "interject"
NAMESPACE = "voice"
RELEASE = "interject"


@cache
def loaded() -> Chart:
    """The chart; read once, because no test changes it."""
    return Chart.load(CHART)


def texts(values: Json | None = None) -> dict[str, str]:
    """The text of each template, by its path below templates/."""
    rendered = loaded().render(values or {}, name=RELEASE, namespace=NAMESPACE)
    return {path.partition("/templates/")[2]: text for path, text in rendered.items()}


def objects(values: Json | None = None) -> list[Json]:
    """Every object of a release, not to be changed."""
    return list(_objects(json.dumps(values or {}, sort_keys=True)))


@cache
def _objects(values: str) -> tuple[Json, ...]:
    return tuple(parsed(texts(json.loads(values))))


def parsed(rendered: dict[str, str]) -> list[Json]:
    """The objects in the texts of templates."""
    return [
        document
        for path, text in rendered.items()
        if path.endswith(".yaml")
        for document in _parsed(text)
    ]


@cache
def _parsed(text: str) -> tuple[Json, ...]:
    """The resource alone takes longer to read than all the rest to render."""
    return tuple(document for document in yaml.safe_load_all(text) if document)


def one(found: Iterable[Json], kind: str, name: str | None = None) -> Json:
    """The only object of that kind, and perhaps name."""
    (only,) = (
        each for each in found if each["kind"] == kind and name in (None, each["metadata"]["name"])
    )
    return only


def refused(values: Json) -> str:
    """What Helm says about values that the chart does not take; fails the test if it takes them."""
    with pytest.raises(HelmError) as error:
        texts(values)
    return str(error.value)


def pods(found: Iterable[Json]) -> dict[str, Json]:
    """The pods, and the pod template of each object that has one, by kind and name."""
    templates = {}
    for each in found:
        template = each if each["kind"] == "Pod" else each.get("spec", {}).get("template")
        if template:
            templates[f"{each['kind']}/{each['metadata']['name']}"] = template
    return templates
