"""Models that are told apart by their `kind`, as one object.

A structural schema has no choice between objects. So their fields stand side by side, and rules say
which of them belong to which kind and which a kind needs. A default would appear for the other
kinds too, where a rule forbids the field: the pod fills it in instead.
"""

from collections.abc import Mapping
from typing import Any

from media_pod.manifest.rules import RULES_KEY, Rule


def one_object(members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One schema in place of `members`, structural schemas by their kind.

    Raises:
        ValueError: two kinds have a field of the same name, or a kind has rules of its own.
    """
    fields: dict[str, Any] = {"kind": _kind(members)}
    rules: list[Rule] = []
    for kind, member in members.items():
        if RULES_KEY in member:
            raise ValueError(f"{kind} has rules of its own, which would bind every kind")
        for name, field in member["properties"].items():
            if name == "kind":
                continue
            if name in fields:
                raise ValueError(f"{name} is a field of two kinds, {kind} is the second")
            fields[name] = _of_kind(kind, field)
            rules.append(_belongs(name, kind))
            if name in member.get("required", ()):
                rules.append(_needed(name, kind))
    return {
        "type": "object",
        "required": ["kind"],
        "properties": fields,
        RULES_KEY: [rule.as_validation() for rule in rules],
    }


def _kind(members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    told = " ".join(f"{kind}: {_lower(each['description'])}" for kind, each in members.items())
    return {"description": f"Which it is. {told}", "type": "string", "enum": list(members)}


def _of_kind(kind: str, field: dict[str, Any]) -> dict[str, Any]:
    said = f"With kind {kind} alone. {field['description']}"
    return {key: value for key, value in field.items() if key != "default"} | {"description": said}


def _belongs(name: str, kind: str) -> Rule:
    return Rule(
        f"!has(self.{name}) || self.kind == '{kind}'",
        found=f"{name} with kind {{self.kind}}",
        allowed=f"{name} with kind {kind} alone; leave it out",
        field=f".{name}",
        reason="FieldValueForbidden",
    )


def _needed(name: str, kind: str) -> Rule:
    return Rule(
        f"self.kind != '{kind}' || has(self.{name})",
        found=f"kind {kind} without {name}",
        allowed=f"kind {kind} with {name}",
        field=f".{name}",
        reason="FieldValueRequired",
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
