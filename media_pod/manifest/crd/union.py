"""Represents a union discriminated by `kind` as one object.

A structural schema cannot express a choice between object types. The result has the fields of all
kinds, and CEL rules that restrict each field to its kinds and require the mandatory ones. Its only
default is a kind: the API server would also set those of fields for the other kinds, where the
field is forbidden or means something else, and `kubectl apply` would keep them when the kind
changes. The pod fills them in.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from media_pod.manifest.rules import RULES_KEY, Rule

_ABOUT = ("description", "default")
"""Keywords in which the kinds of a shared field may differ."""


def one_object(members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One schema for `members`, which maps each kind to its structural schema.

    A field of several kinds has one schema; its description and its default may differ by kind.
    The rules of a kind itself become rules of the object, for that kind alone.

    Raises:
        ValueError: two kinds have a field of the same name with different schemas.
    """
    fields: dict[str, Any] = {"kind": _kind(members)}
    rules: list[dict[str, str]] = []
    for name in dict.fromkeys(name for each in members.values() for name in each["properties"]):
        if name == "kind":
            continue
        having = {
            kind: each["properties"][name]
            for kind, each in members.items()
            if name in each["properties"]
        }
        fields[name] = _merged(name, having, len(members))
        if len(having) < len(members):
            rules.append(_belongs(name, list(having)).as_validation())
        needing = [kind for kind in having if name in members[kind].get("required", ())]
        if needing:
            rules.append(_needed(name, needing).as_validation())
    for kind, member in members.items():
        rules += [_for_kind(kind, rule) for rule in member.get(RULES_KEY, ())]
    about = f"One of {_or(list(members))}, selected by kind."
    schema = {
        "description": about,
        "type": "object",
        "required": ["kind"],
        "properties": fields,
    }
    return schema | ({RULES_KEY: rules} if rules else {})


def _kind(members: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    kinds = " ".join(f"{kind}: {_lower(each['description'])}" for kind, each in members.items())
    return {"description": f"Selects one. {kinds}", "type": "string", "enum": list(members)}


def _merged(name: str, having: Mapping[str, dict[str, Any]], kinds: int) -> dict[str, Any]:
    """The schema of a field; its descriptions are joined, each with the kinds that it is of."""
    (first, schema), *others = having.items()
    bare = _without_about(schema)
    for kind, other in others:
        if _without_about(other) != bare:
            raise ValueError(f"{name} has one schema with kind {first}, another with kind {kind}")
    texts: dict[str, list[str]] = {}
    for kind, each in having.items():
        texts.setdefault(each["description"], []).append(kind)
    if len(texts) == 1 and len(having) == kinds:
        return bare | {"description": schema["description"]}
    words = " ".join(f"Only with kind {_or(of)}. {text}" for text, of in texts.items())
    return bare | {"description": words}


def _without_about(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in _ABOUT}


def _belongs(name: str, kinds: Sequence[str]) -> Rule:
    return Rule(
        f"!has(self.{name}) || self.kind in {list(kinds)}",
        found=f"{name} with kind {{self.kind}}",
        allowed=f"{name} only with kind {_or(kinds)}; omit it otherwise",
        field=f".{name}",
        reason="FieldValueForbidden",
    )


def _needed(name: str, kinds: Sequence[str]) -> Rule:
    return Rule(
        f"!(self.kind in {list(kinds)}) || has(self.{name})",
        found=f"kind {{self.kind}} without {name}",
        allowed=f"kind {_or(kinds)} with {name}",
        field=f".{name}",
        reason="FieldValueRequired",
    )


def _for_kind(kind: str, rule: Mapping[str, str]) -> dict[str, str]:
    return {**rule, "rule": f"self.kind != '{kind}' || ({rule['rule']})"}


def _or(kinds: Sequence[str]) -> str:
    *first, last = kinds
    return f"{', '.join(first)} or {last}" if first else last


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
