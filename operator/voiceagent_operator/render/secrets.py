"""The volume with the keys of Secrets that an agent refers to."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from media_pod.manifest.secrets import MOUNT_PATH, MountedKey, mounted_keys
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import Json

VOLUME: Final = "interject-secrets"
"""Unlikely to be the name of a volume in spec.podTemplate, which would be merged into this one."""

_GROUP_READS: Final = 0o440
"""For the pods' fsGroup; the files belong to root."""


def secret_volumes(agent: Agent) -> list[Json]:
    """One projected volume with the keys that `agent` refers to; none without references.

    The template of the pods has the references, not the values: another reference replaces pods,
    another value is written into the files by the kubelet.
    """
    keys = mounted_keys(agent.spec)
    if not keys:
        return []
    # The same Secret twice, if pods can start without some of its keys.
    by_source = groupby(sorted(keys, key=_source), key=_source)
    sources = [_projection(*source, of_it) for source, of_it in by_source]
    return [{"name": VOLUME, "projected": {"defaultMode": _GROUP_READS, "sources": sources}}]


def secret_mounts(agent: Agent) -> list[Json]:
    """Where the agent's container has this volume."""
    if not mounted_keys(agent.spec):
        return []
    return [{"name": VOLUME, "mountPath": MOUNT_PATH, "readOnly": True}]


def _source(key: MountedKey) -> tuple[str, bool]:
    return key.name, key.optional


def _projection(name: str, optional: bool, keys: Iterable[MountedKey]) -> Json:
    items = [{"key": each.key, "path": f"{name}/{each.key}"} for each in keys]
    return {"secret": {"name": name, "optional": optional, "items": items}}
