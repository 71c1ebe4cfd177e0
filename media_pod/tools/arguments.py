"""Arguments of a tool call: from the text that a model wrote to an object that fits the schema.

Schemas are of JSON Schema draft 2020-12. A message names the path, what was found and what is
expected, because the model reads it and tries again.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from media_pod.errors import InterjectError
from media_pod.providers.chat import JsonObject

MAX_ARGUMENT_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32
"""Of lists and objects within each other; a deeper schema or argument is a mistake or an attack."""
_MAX_ERRORS: Final = 3
_MAX_VALUES_ON_LOOP: Final = 200
_MAX_VALUE_CHARACTERS: Final = 120
_NAMES_OF_SCHEMAS: Final = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_VALUES: Final = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are no schemas."""


class ArgumentsError(InterjectError):
    """Arguments that a tool does not take; the message is for the model."""


class ToolSchemaError(InterjectError):
    """A JSON schema that cannot describe a tool's parameters; the message is one line."""


def _not_checked(*_: Any) -> None:
    """A keyword that is left to the tool's server."""


# A server's regular expression can take minutes for thirty characters, and `re` cannot be stopped.
_WITHOUT_PATTERNS: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    dict.fromkeys(
        ("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties"),
        _not_checked,
    ),
)


def parse_arguments(text: str) -> JsonObject:
    """The object that a model wrote as the arguments of a call; "" is an empty one.

    Args:
        text: JSON, at most `MAX_ARGUMENT_BYTES` in UTF-8 and `MAX_DEPTH` deep.

    Raises:
        ArgumentsError: the text is not such an object.
    """
    if not text.strip():
        return {}
    if len(text) > MAX_ARGUMENT_BYTES:
        raise ArgumentsError(_too_large(len(text)))
    try:
        value = json.loads(text)
        # Numbers beyond a double and halves of surrogate pairs are parsed, but cannot be sent.
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as error:
        raise ArgumentsError(
            f"arguments: found no valid JSON ({_reason(error)}); expected a JSON object"
        ) from error
    if size > MAX_ARGUMENT_BYTES:
        raise ArgumentsError(_too_large(size))
    if not isinstance(value, dict):
        raise ArgumentsError(f"arguments: found {_shown(value)}; expected a JSON object")
    if _depth(value) > MAX_DEPTH:
        raise ArgumentsError(
            f"arguments: found more than {MAX_DEPTH} levels; expected at most {MAX_DEPTH}"
        )
    return value


class ArgumentSchema:
    """The JSON schema of a tool's parameters, checked once. References stay within it."""

    def __init__(self, parameters: JsonObject, *, patterns: bool = True) -> None:
        """Check the schema: milliseconds of arithmetic, so not on the loop of running calls.

        Args:
            parameters: a schema of type object.
            patterns: whether regular expressions are applied. Not those of a server: one that
                backtracks would stop all calls of the pod, and the server checks them itself.

        Raises:
            ToolSchemaError: the schema is invalid, is not of an object, or refers to another one.
        """
        schema = dict(parameters)
        _check_schema(schema)
        kind = Draft202012Validator if patterns else _WITHOUT_PATTERNS
        # The default registry fetches references from the network.
        self._validator = kind(schema, registry=Registry())
        _check_references(schema, self._validator)

    async def check(self, arguments: JsonObject) -> None:
        """Validate the arguments of one call; many values are validated beside the loop.

        Raises:
            ArgumentsError: up to three problems, each with path, found and expected.
        """
        if _is_small(arguments):
            self._check(arguments)
        else:
            await asyncio.to_thread(self._check, arguments)

    def _check(self, arguments: JsonObject) -> None:
        try:
            found = self._validator.iter_errors(arguments)
            # Each missing property is an error of its own, with the same description.
            problems = list(
                dict.fromkeys(_described(best_match([each])) for each in islice(found, _MAX_ERRORS))
            )
        except (RecursionError, Unresolvable) as error:
            raise ArgumentsError("arguments: cannot be checked: the tool's schema loops") from error
        if problems:
            raise ArgumentsError("; ".join(problems))


def _check_schema(schema: dict[str, Any]) -> None:
    if _depth(schema) > MAX_DEPTH:
        raise ToolSchemaError(
            f"parameters: found more than {MAX_DEPTH} levels; allowed: at most {MAX_DEPTH}"
        )
    if schema.get("type") != "object":
        raise ToolSchemaError(
            f'parameters.type: found {_shown(schema.get("type"))}; allowed: "object"'
        )
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ToolSchemaError(_described(error, root="parameters")) from error


def _check_references(schema: dict[str, Any], validator: Any) -> None:
    for reference in _references(schema):
        if not reference.startswith("#"):
            raise ToolSchemaError(
                f"parameters: found $ref {_shown(reference)}; allowed: a reference within the "
                "schema, such as #/$defs/name"
            )
    try:
        # Resolves what an empty object meets; a loop of references shows itself here.
        next(validator.iter_errors({}), None)
        for reference in _references(schema):
            next(validator.evolve(schema={"$ref": reference}).iter_errors(0), None)
    except Unresolvable as error:
        raise ToolSchemaError(
            f"parameters: found $ref {_shown(error.ref)}; allowed: a part of the schema"
        ) from error
    except RecursionError as error:
        raise ToolSchemaError("parameters: found references that only lead back") from error


def _references(schema: Any, *, names: bool = False) -> Iterator[str]:
    """The references of a schema; with `names`, of the schemas that an object has by name."""
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if names:
                yield from _references(value)
            elif key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            elif key not in _VALUES:
                yield from _references(value, names=key in _NAMES_OF_SCHEMAS)


_SCHEMA_TYPES: Final = "array, boolean, integer, null, number, object, string"
"""JSON Schema 2020-12, Validation, section 6.1.1; its meta-schema words it as references."""


def _described(error: ValidationError | SchemaError | None, root: str = "") -> str:
    assert error is not None
    path = root + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path
    )
    instance: Any = error.instance
    limit: Any = error.validator_value
    found, expected = _shown(instance), f"{error.validator} {_shown(limit)}"
    if error.validator == "type":
        expected = " or ".join(limit) if isinstance(limit, list) else str(limit)
    elif error.validator == "enum":
        expected = f"one of {_shown(limit)}"
    elif error.validator == "anyOf" and root and path.endswith(".type"):
        expected = f"one of {_SCHEMA_TYPES}, or a list of them"
    elif error.validator == "required":
        found = f"no {', no '.join(name for name in limit if name not in instance)}"
        expected = _properties(error.schema)
    elif error.validator == "additionalProperties":
        expected = _properties(error.schema)
        found = f"the properties {', '.join(instance)[:_MAX_VALUE_CHARACTERS]}"
    return f"{path.lstrip('.') or 'arguments'}: found {found}; expected {expected}"


def _properties(schema: Any) -> str:
    required = schema.get("required", ())
    shown = [
        f"{name} (required)" if name in required else name for name in schema.get("properties", ())
    ]
    return f"the properties {', '.join(shown)[: 4 * _MAX_VALUE_CHARACTERS]}"


def _shown(value: Any) -> str:
    """The beginning of a value in JSON; not all of a large one is written for it."""
    pieces = islice(json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value), 60)
    text = "".join(piece[:_MAX_VALUE_CHARACTERS] for piece in pieces)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else text[:_MAX_VALUE_CHARACTERS] + "…"


def _is_small(arguments: JsonObject) -> bool:
    """Whether validation takes less than a millisecond: measured, 5 µs for each value."""
    pending: list[Any] = [arguments]
    count = 0
    while pending and count <= _MAX_VALUES_ON_LOOP:
        each = pending.pop()
        inner = each.values() if isinstance(each, Mapping) else each
        count += len(inner)
        pending.extend(value for value in inner if isinstance(value, Mapping | list))
    return count <= _MAX_VALUES_ON_LOOP


def _depth(value: Any) -> int:
    """How many lists and objects are within each other; stops counting beyond `MAX_DEPTH`."""
    level, depth = [value], 0
    while depth <= MAX_DEPTH:
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            break
        depth += 1
        level = [
            inner for each in level for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)[:_MAX_VALUE_CHARACTERS]


def _too_large(size: int) -> str:
    return f"arguments: found {size} bytes; expected at most {MAX_ARGUMENT_BYTES}"
