"""The Secrets that a VoiceAgent refers to, for the operator, which mounts them."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.providers import SecretKeyRef

MOUNT_PATH: Final = "/run/interject/secrets"
"""Where pods find their Secrets: MOUNT_PATH/NAME/KEY."""


def secret_refs(spec: AgentSpec) -> tuple[SecretKeyRef, ...]:
    """Every key of a Secret that `spec` refers to, once, ordered by name and key."""
    found = {(ref.name, ref.key): ref for ref in _refs(spec)}
    return tuple(found[key] for key in sorted(found))


def _refs(value: object) -> Iterator[SecretKeyRef]:
    match value:
        case SecretKeyRef():
            yield value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _refs(getattr(value, name))
        case tuple():
            for item in value:
                yield from _refs(item)
