"""The reference of the scenario document, generated from its models.

`python -m interject_lab.evaluation.scenario.reference FILE` writes it into its section of FILE.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from interject_lab.evaluation.scenario.document import Scenario
from interject_lab.reports.markdown import table, write_section
from media_pod.manifest.crd.descriptions import allowed, one_line

SECTION: Final = "scenario"
_HEADER: Final = ("key", "value", "description")
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}

Node = dict[str, Any]


def as_markdown() -> str:
    """A table for the document, and for each mapping in it."""
    whole = Scenario.model_json_schema(by_alias=True)
    models: Mapping[str, Node] = whole["$defs"]
    return "\n\n".join(_tables("", whole, models, {}))


def _tables(
    path: str, node: Node, models: Mapping[str, Node], seen: dict[str, str]
) -> Iterator[str]:
    """The table of the model at `path`, then those of its fields; each model once."""
    rows, inner = [], []
    for key, field in node["properties"].items():
        model, suffix = _model(field)
        below = f"{path}.{key}{suffix}".lstrip(".")
        if model and model not in seen:
            seen[model] = below
            inner.append((below, models[model]))
        rows.append(
            (f"`{key}`", _value(field, seen.get(model, "")), _about(key, field, node, models))
        )
    heading = f"### `{path}`\n\n{_prose(node['description'])}\n\n" if path else ""
    # Of plain text all columns are words, none a figure.
    yield heading + table(_HEADER, rows).replace("---:", "---")
    for each in inner:
        yield from _tables(*each, models, seen)


def _model(field: Node) -> tuple[str, str]:
    """The model of a field, or "", and what its path ends with."""
    for node, suffix in ((field, ""), (field.get("items", {}), "[]")):
        for choice in (node, *node.get("anyOf", ())):
            if reference := choice.get("$ref"):
                return str(reference).rpartition("/")[2], suffix
            if reference := choice.get("items", {}).get("$ref"):
                return str(reference).rpartition("/")[2], "[]"
    return "", ""


def _value(field: Node, place: str) -> str:
    node = next((each for each in field.get("anyOf", ()) if each != {"type": "null"}), field)
    if place:
        return f"{'list of ' if place.endswith('[]') else ''}[{place}](#{_anchor(place)})"
    kind = _TYPES[node.get("type", "object")]
    what = allowed(dict(node))
    return _prose(f"{kind}: {what}" if what else kind)


def _about(key: str, field: Node, node: Node, models: Mapping[str, Node]) -> str:
    # A description that is the model's own is not repeated at the field.
    text = field.get("description") or models[_model(field)[0]]["description"]
    required = " Required." if key in node.get("required", ()) else ""
    return _prose(f"{text}{required}")


def _anchor(place: str) -> str:
    return re.sub(r"[^a-z]", "", place.lower())


def _prose(text: str) -> str:
    """`text` on one line, with Markdown's special characters escaped."""
    return re.sub(r"(?<!\w)_|_(?!\w)|[*|<]", r"\\\g<0>", one_line(text))


if __name__ == "__main__":
    write_section(Path(sys.argv[1]), SECTION, as_markdown())
