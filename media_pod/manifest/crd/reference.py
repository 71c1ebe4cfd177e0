"""docs/reference/voiceagent.md: every field of a VoiceAgent, generated from the CRD's schema."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from media_pod.manifest.crd.definition import COLUMNS, schema
from media_pod.manifest.crd.descriptions import allowed, one_line
from media_pod.manifest.rules import RULES_KEY

FILE_NAME: Final = "voiceagent.md"

_HEADING: Final = """\
<!-- Generated from media_pod/manifest by `interject crd --docs`; do not edit. -->
# VoiceAgent

A VoiceAgent document describes one agent. Run it on one machine with `interject serve`, or in a
cluster with `kubectl apply`. [parcel-desk.yaml](../../examples/parcel-desk.yaml) is a minimal
document that sets only the required fields. In a cluster,
`kubectl explain voiceagent.spec.bargeIn` shows
the same text as this page, and `kubectl get va NAME -o yaml` shows the effective defaults.

Both commands reject unknown fields, wrong types and values out of range. With `--validate=ignore`,
`kubectl` drops unknown fields instead. The table of an object is followed by the rules that span
several fields. Rules marked "in a cluster" or "on update" do not apply to `interject serve`. All
fields can be changed in a cluster, except `line.transport` and `line.rateHz` while the agent has
extensions.

No setting contains a secret. Fields such as `llm.apiKey` name where it is: `env`, an environment
variable, for `interject serve`; `secretKeyRef`, a key of a Secret in the agent's namespace, in a
cluster. With both, one document serves both. The operator mounts the keys into the pods as files,
without reading them. A reference that is added or removed replaces the pods; a Secret whose value
changes does not, and the kubelet updates the files within about a minute. Pods do not start while a
Secret or a key is missing, unless `env` is given too: the condition Degraded says which.
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
    """The section of the object at `path`, then those of its nested objects."""
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
    table = _table(("field", "type", "default", "allowed", "description"), rows)
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
    """The rules of `node` as a list, after a blank line; empty without rules."""
    lines = []
    for rule in node.get(RULES_KEY, ()):
        where = f"`{rule['fieldPath'].lstrip('.')}`: " if "fieldPath" in rule else ""
        change = "on update, " if "oldSelf" in rule["rule"] else ""
        lines.append(f"- {where}{change}{_prose(rule['message'].removeprefix('allowed: '))}.\n")
    return "\nRules:\n\n" + "".join(lines) if lines else ""


def _columns() -> str:
    rows = [
        (f"`{name.upper()}`", f"`{path.lstrip('.')}`", "with `-o wide`" if wide else "always")
        for name, _, path, wide in COLUMNS
    ]
    table = _table(("column", "field", "shown"), rows)
    return f"## Columns of `kubectl get va`\n\n{table}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [" | ".join(cells) for cells in (header, ("---",) * len(header), *rows)]
    return "".join(f"| {line} |\n" for line in lines)


def _prose(text: str) -> str:
    """`text` with Markdown's special characters escaped."""
    return re.sub(r"(?<!\w)_|_(?!\w)|[*|<]", r"\\\g<0>", one_line(text))
