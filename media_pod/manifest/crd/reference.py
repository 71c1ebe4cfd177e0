"""docs/voiceagent.md: every field of a VoiceAgent, made from the schema that the CRD has."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from media_pod.manifest.crd.definition import COLUMNS, schema
from media_pod.manifest.crd.words import allowed, one_line
from media_pod.manifest.rules import RULES_KEY

FILE_NAME: Final = "voiceagent.md"

_HEADING: Final = """\
<!-- Made from media_pod/spec*.py by `interject crd --docs --out docs`; do not edit. -->
# VoiceAgent

One document describes one agent; `interject serve` takes it on a laptop, `kubectl apply` in a
cluster. [parcel-desk.yaml](../examples/parcel-desk.yaml) has only what has no default. In a cluster
`kubectl explain voiceagent.spec.bargeIn` tells what this page tells, and
`kubectl get va NAME -o yaml` shows every default that applies.

Both refuse unknown fields, wrong types and values out of range; with `--validate=ignore`, `kubectl`
drops unknown fields instead. Rules between fields stand below the table of the object that has
them. A laptop does not know those that say "in a cluster" or "on a change". Only `line.transport`
and `line.rateHz` may not change in a cluster, as long as the agent has extensions.

No setting takes a secret. A pod that needs one gets it by reference, in `podTemplate.spec`: from
`env[].valueFrom.secretKeyRef`, `envFrom[].secretRef` or a volume.
"""
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}


def as_markdown() -> str:
    """The whole document."""
    whole = schema()
    parts = [_HEADING + _rules(whole)]
    for name in ("spec", "status"):
        parts += _sections(name, whole["properties"][name])
    return "\n".join([*parts, _columns()])


def _sections(path: str, node: dict[str, Any]) -> Iterator[str]:
    """The section of the object at `path`, and those of the objects in it."""
    rows = []
    inner = []
    for name, field in node["properties"].items():
        item = field.get("items", field)
        if "properties" in item:
            below = f"{path}.{name}{'[]' if 'items' in field else ''}"
            inner.append((below, item))
            shown = f"[`{name}`](#{re.sub(r'[^a-z]', '', below.lower())})"
        else:
            shown = f"`{name}`"
        rows.append((shown, *_about(field, name in node.get("required", ()))))
    table = _table(("field", "type", "default", "allowed", "what it is"), rows)
    yield f"## {path}\n\n{_prose(node['description'])}\n\n{table}{_rules(node)}"
    for each in inner:
        yield from _sections(*each)


def _about(field: dict[str, Any], required: bool) -> tuple[str, ...]:
    if "default" in field and "properties" not in field:
        default = f"`{json.dumps(field['default'])}`"
    else:
        default = "required" if required else ""
    return (_type(field), default, _prose(allowed(field)), _prose(field["description"]))


def _type(field: dict[str, Any]) -> str:
    if "additionalProperties" in field:
        return f"mapping of text to {_type(field['additionalProperties'])}"
    if "items" in field:
        return f"list of {_type(field['items'])}"
    return _TYPES[field["type"]]


def _rules(node: dict[str, Any]) -> str:
    """What is asked for between the fields of `node`, after a blank line; empty if nothing is."""
    lines = []
    for rule in node.get(RULES_KEY, ()):
        where = f"`{rule['fieldPath'].lstrip('.')}`: " if "fieldPath" in rule else ""
        change = "on a change " if "oldSelf" in rule["rule"] else ""
        lines.append(f"- {where}{change}{_prose(rule['message'].removeprefix('allowed: '))}.\n")
    return "\nAllowed besides:\n\n" + "".join(lines) if lines else ""


def _columns() -> str:
    rows = [
        (f"`{name.upper()}`", f"`{path.lstrip('.')}`", "with `-o wide`" if wide else "always")
        for name, _, path, wide in COLUMNS
    ]
    table = _table(("column", "what it shows", "when"), rows)
    return f"## What `kubectl get va` shows\n\n{table}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [" | ".join(cells) for cells in (header, ("---",) * len(header), *rows)]
    return "".join(f"| {line} |\n" for line in lines)


def _prose(text: str) -> str:
    """`text` with what Markdown would take for its own signs escaped."""
    return re.sub(r"(?<!\w)_|_(?!\w)|[*|<]", r"\\\g<0>", one_line(text))
