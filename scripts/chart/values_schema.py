"""values.schema.json, made from the tree of values."""

from typing import Any

from values_tree import UndocumentedError, Value

Json = dict[str, Any]

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def schema(values: dict[str, Value]) -> Json:
    """The schema of all values: strict, with a description of each.

    Raises:
        UndocumentedError: a default says nothing about its type, and its comment neither.
    """
    properties = {key: _property(value) for key, value in values.items()}
    # Helm hands it to a chart that is part of another.
    properties["global"] = {
        "type": "object",
        "description": "Values of a chart that this one is part of; nothing here reads them.",
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart interject",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _property(value: Value) -> Json:
    if value.children:
        inner = {key: _property(child) for key, child in value.children.items()}
        own = {"type": "object", "additionalProperties": False, "properties": inner}
    elif isinstance(value.default, dict):
        own = {"type": "object", "default": value.default}
    elif "type" in value.schema:
        own = {"default": value.default}
    elif type(value.default) in _TYPES:
        own = {"type": _TYPES[type(value.default)], "default": value.default}
    else:
        raise UndocumentedError(
            f"{value.name}: found the default {value.default} and no type; "
            "say it as # @schema {type: ...}"
        )
    return {"description": value.description, **own, **value.schema}
