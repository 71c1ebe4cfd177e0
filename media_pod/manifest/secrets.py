"""The keys of Secrets that a VoiceAgent refers to: the operator mounts them, the pods read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.cluster import PodTemplate
from media_pod.manifest.providers import SecretSource

MOUNT_PATH: Final = "/run/interject/secrets"
"""Where pods find their Secrets: MOUNT_PATH/NAME/KEY."""
CONTAINER: Final = "media"
"""Name of the agent's container, which spec.podTemplate may refer to."""


@dataclass(frozen=True, slots=True, order=True)
class MountedKey:
    """A key of a Secret in the agent's namespace."""

    name: str
    """Of the Secret."""
    key: str
    optional: bool
    """Pods start without it: each setting that refers to it also names an environment variable that
    spec.podTemplate may set."""


def mounted_keys(spec: AgentSpec) -> tuple[MountedKey, ...]:
    """Every key of a Secret that `spec` refers to, once, ordered by name and key."""
    optional: dict[tuple[str, str], bool] = {}
    for source in _sources(spec):
        if (ref := source.secret_key_ref) is not None:
            slot = (ref.name, ref.key)
            replaceable = source.env is not None and _may_set(spec.pod_template, source.env)
            optional[slot] = optional.get(slot, True) and replaceable
    return tuple(MountedKey(*slot, optional[slot]) for slot in sorted(optional))


def _sources(value: object) -> Iterator[SecretSource]:
    match value:
        case SecretSource():
            yield value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _sources(getattr(value, name))
        case tuple():
            for item in value:
                yield from _sources(item)


def _may_set(template: PodTemplate, variable: str) -> bool:
    """Whether pods of `template` may have the environment variable. Its shape is unchecked here."""
    for container in _mappings((template.spec.model_extra or {}).get("containers")):
        if container.get("name") == CONTAINER:
            named = any(each.get("name") == variable for each in _mappings(container.get("env")))
            if named or container.get("envFrom"):
                return True
    return False


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield item
