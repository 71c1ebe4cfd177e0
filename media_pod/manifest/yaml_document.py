"""A YAML file that a person wrote: bytes on disk to one parsed document.

Stricter than plain YAML where YAML would guess: one document per file, no key twice. The models
that the document is read into are the callers' (`manifest` and the Asterisk configuration).
"""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from media_pod.errors import SetupError
from media_pod.manifest.validation import SpecError

DEEPEST = 100
"""Lists and mappings inside each other: libyaml's composer does not watch its stack."""
MAX_BYTES = 1 << 20
"""Largest file that is read: Kubernetes takes no larger object either (etcd's request limit)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is meant to hold, in the words of its errors."""

    name: str
    """A noun phrase that "a" goes before, such as "VoiceAgent manifest"."""
    one_each: str
    """What to do with several documents in one file."""


def read_yaml(path: Path, kind: Kind) -> object:
    """The one document in the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: it is not one YAML document.
    """
    return parse_yaml(read_bytes(path, kind), str(path), kind)


def read_bytes(path: Path, kind: Kind) -> bytes:
    """What the file at `path` holds.

    Raises:
        SetupError: it cannot be read.
        SpecError: it is too large.
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


def parse_yaml(content: bytes, source: str, kind: Kind) -> object:
    """The one document in `content`, which came from `source`.

    Raises:
        SpecError: it is not one YAML document.
    """
    try:
        if _depth(content) > DEEPEST:
            raise SpecError(source, (f"not usable YAML: nested deeper than {DEEPEST} levels",))
        documents = [d for d in yaml.load_all(content, _Loader) if d is not None]
    except yaml.YAMLError as error:
        raise SpecError(source, (_explain(error),)) from error
    except ValueError as error:  # a date or number that YAML's syntax takes and Python does not
        raise SpecError(source, (f"not usable YAML: {error}; put the value in quotes",)) from error
    if not documents:
        raise SpecError(source, (f"empty; write a {kind.name} into it",))
    if len(documents) > 1:
        raise SpecError(source, (f"holds {len(documents)} YAML documents; {kind.one_each}",))
    return documents[0]


def _depth(content: bytes) -> int:
    """How deep lists and mappings are inside each other, as far as it matters."""
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
    """PyYAML's report on one line: what and where."""
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}not valid YAML: {what}"


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader on libyaml, which a running pod can afford: a tenth of the time. A key
    that is there twice is an error, not the last one's win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} is there twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)
