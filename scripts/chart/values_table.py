"""The tables of values in the chart's README and in docs/values.md, made from their tree."""

import json
from collections.abc import Iterator
from typing import Any

from values_tree import Value

_HEAD = "| value | default | meaning |\n|---|---|---|"
_LONGEST_DEFAULT = 80
"""Characters; what is longer is read better in values.yaml."""


def tables(values: dict[str, Value]) -> str:
    """One table of what stands alone, and one for each section, with its title."""
    alone = [value for value in values.values() if not value.children]
    parts = [_table(alone)]
    for key, value in values.items():
        if value.children:
            parts.append(f"### {key}\n\n{value.description}")
            parts.append(_table(list(value.children.values())))
    return "\n\n".join(parts) + "\n"


def _table(values: list[Value]) -> str:
    return "\n".join([_HEAD, *(row for value in values for row in _rows(value))])


def _rows(value: Value) -> Iterator[str]:
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
    return f"`{text}`" if len(text) <= _LONGEST_DEFAULT else "see values.yaml"


def _allowed(schema: dict[str, Any]) -> str:
    choices = schema.get("enum") or schema.get("items", {}).get("enum")
    return f" Allowed: {', '.join(map(str, choices))}." if choices else ""
