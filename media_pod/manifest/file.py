"""A VoiceAgent's file: from the path on disk to the models."""

from pathlib import Path

from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.manifest.yaml_document import Kind, parse_yaml, read_bytes

_KIND = Kind("VoiceAgent manifest", one_each="give each agent a file of its own")


def read_manifest(path: Path) -> VoiceAgent:
    """The VoiceAgent in the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: it is not one YAML document, or not a VoiceAgent.
    """
    return parse_manifest(read_text(path), path)


def read_text(path: Path) -> bytes:
    """What the file at `path` holds, not decoded yet.

    Raises:
        SetupError, SpecError: as `read_manifest`; the file is too large.
    """
    return read_bytes(path, _KIND)


def parse_manifest(text: bytes, path: Path) -> VoiceAgent:
    """The VoiceAgent in `text`, which came from the file at `path`.

    Raises:
        SpecError: as `read_manifest`.
    """
    return load_manifest(parse_yaml(text, str(path), _KIND), str(path))
