"""Generates the Markdown tables of values from their tree."""

import json
from collections.abc import Iterator
from typing import Any

from values_tree import ChartValue

_HEAD = "| value | default | meaning |\n|---|---|---|"
_MAX_DEFAULT_CHARS = 80
"""Longer defaults are not shown in the table."""


def tables(values: dict[str, ChartValue]) -> str:
    """A table of the top-level values, then one with a title for each section."""
    top_level = [value for value in values.values() if not value.children]
    parts = [_table(top_level)]
    for key, value in values.items():
        if value.children:
            parts.append(f"### {key}\n\n{value.description}")
            parts.append(_table(list(value.children.values())))
    return "\n\n".join(parts) + "\n"


def _table(values: list[ChartValue]) -> str:
    return "\n".join([_HEAD, *(row for value in values for row in _rows(value))])


def _rows(value: ChartValue) -> Iterator[str]:
    if value.children:
        yield _row(value.name, "", value.description)
        for child in value.children.values():
            yield from _rows(child)
        return
    yield _row(value.name, _default(value.default), value.description + _allowed(value.schema))
    items = value.schema.get("items", {})
    for key, inner in items.get("properties", {}).items():
        yield _row(f"{value.name}[].{key}", "", inner["description"] + _allowed(inner))


def _row(*cells: str) -> str:
    return (
        "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{cells[0]}`", *cells[1:])) + " |"
    )


def _default(default: Any) -> str:
    text = json.dumps(default)
    return f"`{text}`" if len(text) <= _MAX_DEFAULT_CHARS else "see values.yaml"


def _allowed(schema: dict[str, Any]) -> str:
    choices = schema.get("enum") or schema.get("items", {}).get("enum")
    return f" Allowed: {', '.join(map(str, choices))}." if choices else ""
