"""What an API server makes of an object by its structural schema, as far as VoiceAgent's goes."""

from typing import Any

from voiceagent_documents import Json
from voiceagent_values import matches


def filled(schema: Json, value: Any) -> Any:
    """`value` with the defaults of `schema` where something was left out."""
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        missing = {
            name: inner["default"]
            for name, inner in fields.items()
            if name not in value and "default" in inner
        }
        return {
            name: filled(fields.get(name, {}), inner) for name, inner in (value | missing).items()
        }
    if isinstance(value, list):
        return [filled(schema.get("items", {}), item) for item in value]
    return value


def problems(schema: Json, value: Any, path: str = "") -> list[str]:
    """The places in `value` that violate `schema`; CEL rules are not evaluated."""
    if not _is(schema["type"], value):
        return [f"{path}: not of type {schema['type']}"]
    if isinstance(value, dict):
        return _in_object(schema, value, path)
    if isinstance(value, list):
        return _in_list(schema, value, path)
    return [] if _in_range(schema, value) else [f"{path}: out of range"]


def _is(kind: str, value: object) -> bool:
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
    }
    return isinstance(value, types[kind]) and (kind == "boolean") == isinstance(value, bool)


def _in_object(schema: Json, value: Json, path: str) -> list[str]:
    fields = schema.get("properties", {})
    found = [f"{path}.{name}: missing" for name in schema.get("required", ()) if name not in value]
    if len(value) > schema.get("maxProperties", len(value)):
        found.append(f"{path}: too many")
    for name, inner in value.items():
        here = f"{path}.{name}"
        if name in fields:
            found += problems(fields[name], inner, here)
        elif "additionalProperties" in schema:
            found += problems(schema["additionalProperties"], inner, here)
        elif "x-kubernetes-preserve-unknown-fields" not in schema:
            found.append(f"{here}: unknown")
    return found


def _in_list(schema: Json, value: list[Any], path: str) -> list[str]:
    found = [] if schema.get("minItems", 0) <= len(value) else [f"{path}: too short"]
    found += [] if len(value) <= schema.get("maxItems", len(value)) else [f"{path}: too long"]
    for index, item in enumerate(value):
        found += problems(schema["items"], item, f"{path}[{index}]")
    if found or schema["x-kubernetes-list-type"] == "atomic":
        return found
    by = schema.get("x-kubernetes-list-map-keys")
    keys = [tuple(item[key] for key in by) if by else item for item in value]
    return [] if len(set(keys)) == len(keys) else [f"{path}: twice"]


def _in_range(schema: Json, value: Any) -> bool:
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        long_enough = schema.get("minLength", 0) <= len(value)
        short_enough = len(value) <= schema.get("maxLength", len(value))
        return long_enough and short_enough and matches(schema.get("pattern", ""), value)
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
