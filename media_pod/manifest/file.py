"""Reads a VoiceAgent from a file."""

from pathlib import Path

from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.manifest.yaml_document import FileKind, parse_yaml, read_bytes

_KIND = FileKind("VoiceAgent manifest", one_each="put each agent in its own file")


def read_manifest(path: Path) -> VoiceAgent:
    """The VoiceAgent in the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: it is not a single YAML document, or not a valid VoiceAgent.
    """
    return parse_manifest(read_content(path), path)


def read_content(path: Path) -> bytes:
    """The bytes of the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: the file is too large.
    """
    return read_bytes(path, _KIND)


def parse_manifest(content: bytes, path: Path) -> VoiceAgent:
    """The VoiceAgent in `content`, read from the file at `path`.

    Raises:
        SpecError: as `read_manifest`.
    """
    return load_manifest(parse_yaml(content, str(path), _KIND), str(path))
