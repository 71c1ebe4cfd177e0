"""Represents a union discriminated by `kind` as one object.

A structural schema cannot express a choice between object types. The result has the fields of all
kinds, and CEL rules that restrict each field to its kind and require the mandatory ones. It has no
defaults: the API server would also set them for the other kinds, where the field is forbidden. The
pod fills them in.
"""

from collections.abc import Mapping
from typing import Any

from media_pod.manifest.rules import RULES_KEY, Rule


def one_object(members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One schema for `members`, which maps each kind to its structural schema.

    Raises:
        ValueError: two kinds have a field of the same name, or a kind has its own rules.
    """
    fields: dict[str, Any] = {"kind": _kind(members)}
    rules: list[Rule] = []
    for kind, member in members.items():
        if RULES_KEY in member:
            raise ValueError(f"{kind} has its own rules, which would apply to every kind")
        for name, field in member["properties"].items():
            if name == "kind":
                continue
            if name in fields:
                raise ValueError(f"{name} is a field of two kinds; {kind} is the second")
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
    kinds = " ".join(f"{kind}: {_lower(each['description'])}" for kind, each in members.items())
    return {"description": f"Selects one. {kinds}", "type": "string", "enum": list(members)}


def _of_kind(kind: str, field: dict[str, Any]) -> dict[str, Any]:
    text = f"Only with kind {kind}. {field['description']}"
    return {key: value for key, value in field.items() if key != "default"} | {"description": text}


def _belongs(name: str, kind: str) -> Rule:
    return Rule(
        f"!has(self.{name}) || self.kind == '{kind}'",
        found=f"{name} with kind {{self.kind}}",
        allowed=f"{name} only with kind {kind}; omit it otherwise",
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
