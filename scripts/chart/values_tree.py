"""Reads values.yaml into a tree: default, description and schema of each value."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

DESCRIPTION = "-- "
SCHEMA = "@schema "
FREE = "@free"


class UndocumentedError(Exception):
    """A value has no comment, or an invalid one."""


@dataclass(frozen=True)
class ChartValue:
    """One value.

    Args:
        path: keys from the root to the value.
        description: text of the comment.
        default: value in values.yaml.
        schema: additional JSON schema from the comment.
        children: nested values by key, if it is a section.
    """

    path: tuple[str, ...]
    description: str
    default: Any
    schema: dict[str, Any]
    children: dict[str, "ChartValue"] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Dotted path, as in --set."""
        return ".".join(self.path)


def read_values(path: Path) -> dict[str, ChartValue]:
    """The values of the file, by key.

    Raises:
        UndocumentedError: a comment is missing or invalid; the message names file, line and value.
    """
    text = path.read_text()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return _children(path, text.splitlines(), root, yaml.safe_load(text), ())


def _children(
    source: Path,
    lines: list[str],
    node: yaml.MappingNode,
    defaults: dict[str, Any],
    above: tuple[str, ...],
) -> dict[str, ChartValue]:
    found = {}
    for key_node, value_node in node.value:
        key: str = key_node.value
        path = (*above, key)
        where = f"{source}:{key_node.start_mark.line + 1}: {'.'.join(path)}"
        description, schema, free = _comment(lines, key_node.start_mark.line, where)
        default = defaults[key]
        children = {}
        if isinstance(value_node, yaml.MappingNode) and default and not free:
            children = _children(source, lines, value_node, default, path)
        found[key] = ChartValue(path, description, default, schema, children)
    return found


def _comment(lines: list[str], key_line: int, where: str) -> tuple[str, dict[str, Any], bool]:
    """Description, schema and whether @free is set, from the comment lines above a key."""
    first = key_line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    words: list[str] = []
    schema: dict[str, Any] = {}
    free = False
    for line in lines[first:key_line]:
        text = line.lstrip().removeprefix("#").strip()
        if text == FREE:
            free = True
        elif text.startswith(SCHEMA):
            schema = _schema(text.removeprefix(SCHEMA), where)
        elif text.startswith(DESCRIPTION) or words:
            words.append(text.removeprefix(DESCRIPTION))
    if not words:
        _refuse(where, "found no comment that starts with '# --' above it")
    return " ".join(words), schema, free


def _schema(text: str, where: str) -> dict[str, Any]:
    try:
        schema = yaml.safe_load(text)
    except yaml.YAMLError as error:
        _refuse(where, f"found a @schema that is not valid YAML: {error}")
    if not isinstance(schema, dict):
        _refuse(where, f"found @schema {text}; allowed: a mapping")
    return schema


def _refuse(where: str, problem: str) -> NoReturn:
    raise UndocumentedError(f"{where}: {problem}")
