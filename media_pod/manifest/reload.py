"""Which fields of a changed VoiceAgent a running pod applies, and which need a new pod.

Used by the pod and by the operator. The pod reloads what it can; the operator writes `restart_key`
into the pod template, so that only the remaining changes replace pods. Every field of the spec is
in one of three groups:

    RELOADED       applies to new calls; active calls keep the values that they started with
    ONLY_CLUSTER   pods do not read it
    the others     are read once, at the pod's start: ports, models, voices, number of slots

`drain` needs a new pod because Kubernetes takes the termination grace period from the pod: with a
longer timeout in the process alone, the kubelet would kill the pod first.
"""

import hashlib
import json
from typing import Final

from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.manifest.tools import places_used

RELOADED: Final[frozenset[str]] = frozenset(
    {"dialogue", "greeting", "instructions", "limits", "telephony", "variables"}
)
ONLY_CLUSTER: Final[frozenset[str]] = frozenset(
    {"replicas", "image", "autoscaling", "eviction", "network", "pod_template"}
)

_KEY_DIGITS: Final = 16


def restart_key(spec: AgentSpec) -> str:
    """16 hexadecimal digits that change only when pods must be replaced."""
    return _key(spec, RELOADED | ONLY_CLUSTER)


def pod_key(spec: AgentSpec) -> str:
    """16 hexadecimal digits of all fields that a pod reads: identifies the active spec."""
    return _key(spec, ONLY_CLUSTER)


def restart_fields(running: AgentSpec, wanted: AgentSpec) -> tuple[str, ...]:
    """Names, in camelCase, of the changed fields that a pod applies only at its start."""
    kept = AgentSpec.model_fields.keys() - RELOADED - ONLY_CLUSTER
    return tuple(
        field.alias or name
        for name, field in AgentSpec.model_fields.items()
        if name in kept and getattr(running, name) != getattr(wanted, name)
    )


def reloaded(running: AgentSpec, wanted: AgentSpec) -> AgentSpec:
    """`running` with the `RELOADED` fields of `wanted`, as far as they fit the fields that stay.

    A change between a dialogue, a language model and a speech-to-speech model needs a new pod for
    all of them. `telephony` stays while it has transfers that the running tools name and `wanted`
    does not have.
    """
    if _mind(running) != _mind(wanted):
        return running
    places = {transfer.name for transfer in wanted.telephony.transfers}
    kept = set() if places.issuperset(places_used(running.tools)) else {"telephony"}
    return running.model_copy(update={name: getattr(wanted, name) for name in RELOADED - kept})


def _mind(spec: AgentSpec) -> tuple[bool, bool, PipecatSettings | None]:
    """Which of llm, realtime and dialogue it has; of a pipeline also which, as it has a process."""
    pipeline = spec.dialogue if isinstance(spec.dialogue, PipecatSettings) else None
    return spec.llm is None, spec.realtime is None, pipeline


def _key(spec: AgentSpec, without: frozenset[str]) -> str:
    # Without defaults, so that a field added by a later version does not change existing keys.
    document = spec.model_dump(mode="json", exclude=set(without), exclude_defaults=True)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
