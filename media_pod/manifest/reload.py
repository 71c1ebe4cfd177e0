"""What of a changed VoiceAgent a running pod takes over, and what needs a new pod.

The pod and the operator both ask here: the pod takes over what it can, and the operator writes
`restart_key` into the pod template, so that pods are replaced for the rest and for nothing else.
Every field of the spec is in one of three groups:

    RELOADED       new calls have it, running calls keep what they began with
    ONLY_CLUSTER   pods never read it
    the others     are read at a pod's start: ports, models and voices are loaded, and slots counted

`drain` is among the others, because the time that a pod's calls have is written into the pod, as
its grace period: a longer one that only the process knows of ends in a kill.
"""

import hashlib
import json
from typing import Final

from media_pod.manifest.agent import AgentSpec

RELOADED: Final[frozenset[str]] = frozenset({"dialogue", "telephony"})
ONLY_CLUSTER: Final[frozenset[str]] = frozenset(
    {"replicas", "image", "autoscaling", "network", "pod_template"}
)

_KEY_DIGITS: Final = 16


def restart_key(spec: AgentSpec) -> str:
    """16 hexadecimal digits, the same while no pod has to be replaced for `spec`."""
    return _key(spec, RELOADED | ONLY_CLUSTER)


def pod_key(spec: AgentSpec) -> str:
    """16 hexadecimal digits for all that a pod reads of `spec`: what is in force in it."""
    return _key(spec, ONLY_CLUSTER)


def restart_fields(running: AgentSpec, wanted: AgentSpec) -> tuple[str, ...]:
    """The fields, as documents spell them, for which a pod of `running` has to be replaced."""
    kept = AgentSpec.model_fields.keys() - RELOADED - ONLY_CLUSTER
    return tuple(
        field.alias or name
        for name, field in AgentSpec.model_fields.items()
        if name in kept and getattr(running, name) != getattr(wanted, name)
    )


def reloaded(running: AgentSpec, wanted: AgentSpec) -> AgentSpec:
    """`running` with all that can be taken over from `wanted`."""
    return running.model_copy(update={name: getattr(wanted, name) for name in RELOADED})


def _key(spec: AgentSpec, without: frozenset[str]) -> str:
    # Defaults are left out, so that a field that a later version adds changes no key.
    document = spec.model_dump(mode="json", exclude=set(without), exclude_defaults=True)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
