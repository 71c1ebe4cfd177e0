"""Converts a model's JSON schema, as pydantic generates it, to a Kubernetes structural schema.

apiextensions.k8s.io/v1 requires a structural schema: every field has its type inline (no $ref), the
server prunes unknown fields silently and fills in defaults.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from media_pod.manifest.crd.union import one_object
from media_pod.manifest.rules import RULES_KEY
from media_pod.manifest.validation import ALLOWED_KEY

Schema = dict[str, Any]
"""A JSON schema, or a part of one."""

KEYWORDS: Final = (
    "description",
    ALLOWED_KEY,  # consumed and removed by `descriptions`
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "default",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    RULES_KEY,
    "required",
    "properties",
    "additionalProperties",
    "items",
)
"""Keywords of the result, in this order."""

_INT32_END: Final = 1 << 31
_LEFT_OUT: Final = {"title"}
"""Keywords of pydantic that Kubernetes does not need."""


def structural(model: type[BaseModel]) -> Schema:
    """The schema of `model`, with all references inlined.

    Raises:
        ValueError: the model uses a keyword that a structural schema cannot express.
    """
    whole = model.model_json_schema(by_alias=True)
    return _structural(whole, whole.pop("$defs", {}), model.__name__)


def without_defaults(schema: Schema) -> Schema:
    """`schema` without the defaults of its fields."""
    fields = schema["properties"].items()
    bare = {name: {k: v for k, v in each.items() if k != "default"} for name, each in fields}
    return schema | {"properties": bare}


def _structural(node: Schema, models: Mapping[str, Schema], path: str) -> Schema:
    node = _resolved(node, models)
    if "oneOf" in node:
        members = {
            kind: _structural(models[_model(reference)], models, path)
            for kind, reference in node["discriminator"]["mapping"].items()
        }
        own = {"description": node["description"]} if "description" in node else {}
        if "default" in node:
            own["default"] = {"kind": node["default"]["kind"]}  # the rest, see `union`
        return _ordered(one_object(members) | own)
    if "default" in node:
        node["default"] = _without_nulls(node["default"])
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if node.get("type") == "integer":
        most = max(node["enum"]) if "enum" in node else node.get("maximum", _INT32_END)
        node["format"] = "int32" if most < _INT32_END else "int64"
    if node.get("type") == "array":
        node["items"] = _structural(node["items"], models, f"{path}[]")
        node.setdefault("x-kubernetes-list-type", "atomic")
    if node.get("type") == "object":
        node = _object(node, models, path)
    if unknown := node.keys() - set(KEYWORDS) - _LEFT_OUT:
        raise ValueError(f"{path}: structural schemas do not allow {', '.join(sorted(unknown))}")
    return _ordered(node)


def _object(node: Schema, models: Mapping[str, Schema], path: str) -> Schema:
    others = node.pop("additionalProperties", True)
    if isinstance(others, dict):
        node["additionalProperties"] = _structural(others, models, f"{path}.*")
    elif others:
        node["x-kubernetes-preserve-unknown-fields"] = True
    if "properties" in node:
        node["properties"] = {
            name: _structural(inner, models, f"{path}.{name}")
            for name, inner in node["properties"].items()
        }
    return node


def _resolved(node: Schema, models: Mapping[str, Schema]) -> Schema:
    """`node` with its reference, or its Optional, replaced by the schema of the model."""
    node = dict(node)
    if reference := node.pop("$ref", None):
        return _resolved(models[_model(reference)] | node, models)
    if choices := node.pop("anyOf", None):
        [choice] = [choice for choice in choices if choice != {"type": "null"}]
        if node.get("default") is None:
            node.pop("default", None)  # an absent field has no value; null is one
        return _resolved(choice | node, models)
    return node


def _without_nulls(default: Any) -> Any:
    """`default` without the fields that have no value; the API server refuses null."""
    if isinstance(default, dict):
        return {key: _without_nulls(value) for key, value in default.items() if value is not None}
    return default


def _model(reference: str) -> str:
    return reference.removeprefix("#/$defs/")


def _ordered(node: Schema) -> Schema:
    return {key: node[key] for key in KEYWORDS if key in node}
