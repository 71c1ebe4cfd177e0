"""Reads a file with a single YAML document.

Stricter than plain YAML: one document per file, no duplicate keys. The callers (`manifest` and the
Asterisk configuration) validate the document with their own models.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from media_pod.errors import SetupError
from media_pod.manifest.validation import SpecError

DEEPEST = 100
"""Maximum nesting of lists and mappings: libyaml's composer overflows its stack."""
MAX_BYTES = 1 << 20
"""Maximum file size: about etcd's request limit, so a cluster accepts no larger object either."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """The expected content of a file, for error messages."""

    name: str
    """A noun phrase that takes the article "a", such as "VoiceAgent manifest"."""
    one_each: str
    """How to fix a file with several documents."""


def read_yaml(path: Path, kind: FileKind) -> object:
    """The single document in the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: it is not a single YAML document.
    """
    return parse_yaml(read_bytes(path, kind), str(path), kind)


def read_bytes(path: Path, kind: FileKind) -> bytes:
    """The content of the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: the file is larger than `MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SetupError(f"{path}: no such file; give the path of a {kind.name}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(f"{path}: cannot be read ({reason}); give a readable file") from error
    if len(content) > MAX_BYTES:
        noun = kind.name.rsplit(" ", 1)[-1]
        raise SpecError(str(path), (f"larger than {MAX_BYTES} bytes; a {noun} is a few kB",))
    return content


def parse_yaml(content: bytes, source: str, kind: FileKind) -> object:
    """The single document in `content`, read from `source`.

    Raises:
        SpecError: it is not a single YAML document.
    """
    try:
        if _depth(content) > DEEPEST:
            raise SpecError(source, (f"not valid YAML: nested deeper than {DEEPEST} levels",))
        documents = [d for d in yaml.load_all(content, _Loader) if d is not None]
    except yaml.YAMLError as error:
        raise SpecError(source, (_explain(error),)) from error
    except ValueError as error:  # such as a date that YAML's syntax allows
        raise SpecError(source, (f"not valid YAML: {error}; put the value in quotes",)) from error
    if not documents:
        raise SpecError(source, (f"empty; expected a {kind.name}",))
    if len(documents) > 1:
        raise SpecError(source, (f"has {len(documents)} YAML documents; {kind.one_each}",))
    return documents[0]


def _depth(content: bytes) -> int:
    """Nesting depth of lists and mappings; stops just beyond `DEEPEST`."""
    depth = deepest = 0
    for event in yaml.parse(content, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest


def _explain(error: yaml.YAMLError) -> str:
    """PyYAML's error as one line: position and problem."""
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}not valid YAML: {what}"


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader on libyaml, ten times as fast, for reloads in a running pod. Duplicate
    keys are errors; in plain PyYAML the last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"duplicate key {key.value!r}", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
