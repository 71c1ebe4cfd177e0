"""Generates values.schema.json from the tree of values."""

from typing import Any

from values_tree import ChartValue, UndocumentedError

Json = dict[str, Any]

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def schema(values: dict[str, ChartValue]) -> Json:
    """The JSON schema: no additional properties, and a description for each value.

    Raises:
        UndocumentedError: neither the default nor the comment of a value gives its type.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart interject",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _property(value) for key, value in values.items()},
    }


def _property(value: ChartValue) -> Json:
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
            "add # @schema {type: ...}"
        )
    return {"description": value.description, **own, **value.schema}
