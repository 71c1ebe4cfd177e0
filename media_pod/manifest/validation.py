"""Error messages for invalid documents, one line per problem.

pydantic finds the problems. This module adds to each the path as written in the document, the value
found, the allowed values, and the closest match for a misspelt key or word. It does not depend on a
particular model: `media_pod.manifest.agent` and `asterisk_config` both use it.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from media_pod.errors import InterjectError

MOST_SHOWN = 20
"""Maximum lines per document; one more line gives the number of omitted problems."""

ALLOWED_KEY = "x-allowed"
"""Key of the text of `Allowed` in a JSON schema."""

_LONGEST_FOUND = 60
"""Maximum characters of a wrong value or key in a message."""


class SpecError(InterjectError):
    """An invalid document.

    The message has one line per problem: the source, the path, the value found, the allowed values.
    """

    def __init__(self, source: str, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Allowed:
    """Describes the valid values of an annotated type, for a pattern; follows "allowed:"."""

    text: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {ALLOWED_KEY: self.text}


@dataclass(frozen=True, slots=True)
class Hidden:
    """Marks an annotated type in whose place people may write a secret: no message repeats it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A position in a document: its path and the model's declaration of it."""

    path: str
    annotation: Any = None
    field: FieldInfo | None = None
    parent: type[BaseModel] | None = None


def describe(errors: ValidationError, model: type[BaseModel]) -> tuple[str, ...]:
    """One line per problem of a document validated as `model`; at most `MOST_SHOWN` + 1 lines."""
    found = [error for error in errors.errors(include_url=False) if not _follows(error)]
    lines = dict.fromkeys(_line(error, model) for error in found[:MOST_SHOWN])
    left_out = len(found) - MOST_SHOWN
    return (*lines, f"and {left_out} more") if left_out > 0 else tuple(lines)


def _follows(error: ErrorDetails) -> bool:
    """Whether `error` follows from others: a list is too short only because its invalid items,
    which have errors of their own, are not counted."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _line(error: ErrorDetails, model: type[BaseModel]) -> str:
    place = _locate(model, error["loc"])
    where = place.path or "the document"
    value = error["input"]
    match error["type"]:
        case "extra_forbidden" | "invalid_key":
            names = _names(place.parent)
            hint = _nearest(error["loc"][-1], names)
            return f"{where}: unknown key; allowed here: {', '.join(names)}{hint}"
        case "missing":
            return f"{where}: missing; allowed: {_allowed(place)}"
        case "union_tag_not_found":
            return f"{where}.kind: missing; allowed: {', '.join(_members(place.annotation))}"
        case "union_tag_invalid":
            tags = list(_members(place.annotation))
            tag = value["kind"]
            hint = _nearest(tag, tags)
            return f"{where}.kind: found {_found(tag)}; allowed: {', '.join(tags)}{hint}"
        case "one_of" | "clash":
            return f"{where}: {error['msg']}"
    found = "text" if isinstance(value, str) and _is_hidden(place) else _found(value)
    return f"{where}: found {found}; allowed: {_allowed(place)}{_hint(error, place)}"


def _hint(error: ErrorDetails, place: _Place) -> str:
    value = error["input"]
    if error["type"] == "literal_error" and isinstance(value, str):
        return _nearest(value, map(str, get_args(place.annotation)))
    if error["type"] == "string_type" and isinstance(value, Hashable) and value is not None:
        return "; put it in quotes: without them YAML does not read it as text"
    if error["type"] in ("int_type", "float_type") and isinstance(value, str):
        return "; YAML reads it as text because of its quotes or letters"
    return ""


def _locate(model: type[BaseModel], loc: tuple[int | str, ...]) -> _Place:
    """The place of pydantic's location, without the union tags that pydantic adds to it."""
    place = _Place("", annotation=model)
    for step in loc:
        place = _enter(place, step)
    return place


def _enter(place: _Place, step: int | str) -> _Place:
    annotation, _ = _bare(place.annotation)
    members = _members(annotation)
    if members and step in members:
        return _Place(place.path, members[str(step)], place.field, place.parent)
    if isinstance(step, int) and get_origin(annotation) is tuple:
        return _Place(f"{place.path}[{step}]", get_args(annotation)[0])
    key = _short(str(step)) if str(step).isprintable() else _short(repr(step))
    path = f"{place.path}.{key}" if place.path else key
    if step == "[key]":
        return place
    if _is_model(annotation):
        parent: type[BaseModel] = annotation
        for name, field in parent.model_fields.items():
            if step == (field.alias or name):
                return _Place(path, field.annotation, field, parent)
        return _Place(path, parent=parent)
    if get_origin(annotation) is dict:
        return _Place(path, get_args(annotation)[1])
    return _Place(path)


def _metadata(place: _Place) -> list[object]:
    _, inner = _bare(place.annotation)
    return [*(place.field.metadata if place.field else ()), *inner]


def _is_hidden(place: _Place) -> bool:
    return any(isinstance(mark, Hidden) for mark in _metadata(place))


def _allowed(place: _Place) -> str:
    """Description of the valid values at `place`."""
    annotation, _ = _bare(place.annotation)
    metadata = _metadata(place)
    for mark in metadata:
        if isinstance(mark, Allowed):
            return mark.text
    if get_origin(annotation) is Literal:
        return ", ".join(str(value) for value in get_args(annotation))
    if members := _members(annotation):
        return f"a mapping whose kind is {' or '.join(members)}"
    if _is_model(annotation):
        return f"a mapping with {', '.join(_names(annotation))}"
    limits = _range(metadata)
    if get_origin(annotation) is tuple:
        return f"a list of{limits} items"
    if get_origin(annotation) is dict:
        return "a mapping of text to text"
    if annotation is int:
        return f"a whole number{limits}"
    if annotation is float:
        return f"a number{limits}"
    return f"text of{limits} characters" if limits else "text"


def _range(metadata: Iterable[object]) -> str:
    """The limits in a field's metadata; "" unless both are set."""
    low: object = None
    high: object = None
    for mark in metadata:
        match mark:
            case Ge(ge=limit) | MinLen(min_length=limit):
                low = limit
            case Le(le=limit) | MaxLen(max_length=limit):
                high = limit
    return "" if low is None or high is None else f" {low} to {high}"


def _found(value: object) -> str:
    """A wrong value in YAML's terms. Contents of containers are omitted: aliases can make them
    endless."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return f"a list of {len(value)} items"
    return _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}..."


def _nearest(value: object, names: Iterable[str]) -> str:
    near = get_close_matches(str(value), list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _names(model: type[BaseModel] | None) -> list[str]:
    """The keys of `model` as they are written in the document."""
    fields = model.model_fields if model else {}
    return [field.alias or name for name, field in fields.items()]


def _members(annotation: object) -> dict[str, Any]:
    """The models of a union discriminated by `kind`, by kind; empty for other annotations."""
    annotation, _ = _bare(annotation)
    if get_origin(annotation) not in (Union, UnionType):
        return {}
    return {
        tag: model
        for model in get_args(annotation)
        if _is_model(model) and "kind" in model.model_fields
        for tag in get_args(model.model_fields["kind"].annotation)
    }


def _bare(annotation: object) -> tuple[Any, list[object]]:
    """The type inside Optional and Annotated, and its metadata."""
    if get_origin(annotation) in (Union, UnionType):
        rest = [member for member in get_args(annotation) if member is not NoneType]
        if len(rest) > 1:
            return annotation, []
        annotation = rest[0]
    if get_origin(annotation) is not Annotated:
        return annotation, []
    inner, *marks = get_args(annotation)
    fields = [mark for mark in marks if isinstance(mark, FieldInfo)]
    return inner, [*marks, *(mark for field in fields for mark in field.metadata)]


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


class StrictModel(BaseModel):
    """Base of all models: rejects unknown keys and wrong types, and is immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,  # for Python code; documents are read by their aliases alone
        serialize_by_alias=True,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
    )
