"""The models as a table in Markdown: every value, its default, what it means."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from asterisk_config.values import Values

_HEAD = (
    "# Values of Interject's Asterisk",
    "",
    "Written by `python3 -m asterisk_config docs`. `[]` stands for an item of a list.",
    "",
    "| value | meaning |",
    "|---|---|",
)


def reference() -> str:
    """The page of values."""
    lines = [f"| `{path}` | {field.description} |" for path, field in fields(Values)]
    return "\n".join((*_HEAD, *lines)) + "\n"


def fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of `model` and of the models in it, by its path in the document.

    `[]` stands for an item of a list. The models of a union follow each other, each after its kind.
    """
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        if name == "kind":
            path = f"{path}: {get_args(field.annotation)[0]}"
        yield path, field
        for inner, in_list in _models(field.annotation):
            yield from fields(inner, f"{path}[]." if in_list else f"{path}.")


def _models(annotation: Any, in_list: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """The models in an annotation, and whether they are items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, in_list
        return
    for part in get_args(annotation):
        yield from _models(part, in_list or get_origin(annotation) is tuple)
