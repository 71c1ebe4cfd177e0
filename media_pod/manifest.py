"""A VoiceAgent's file: from the path on disk to the models."""

from pathlib import Path

from media_pod.spec import VoiceAgent, load_manifest
from media_pod.yaml_file import Kind, read_yaml

_KIND = Kind("VoiceAgent manifest", one_each="give each agent a file of its own")


def read_manifest(path: Path) -> VoiceAgent:
    """The VoiceAgent in the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: it is not one YAML document, or not a VoiceAgent.
    """
    return load_manifest(read_yaml(path, _KIND), str(path))
