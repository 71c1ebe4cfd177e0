"""Every child of a VoiceAgent, as it should be."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from voiceagent_operator import names
from voiceagent_operator.agent import Agent
from voiceagent_operator.kube.kinds import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    POD_MONITOR,
    SCALED_OBJECT,
    SERVICE,
    SERVICE_ACCOUNT,
    Json,
    Kind,
)
from voiceagent_operator.render import access, manifest, scaling, services, workload

KINDS = (
    SERVICE_ACCOUNT,
    CONFIG_MAP,
    SERVICE,
    NETWORK_POLICY,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    AUTOSCALER,
    SCALED_OBJECT,
    POD_MONITOR,
)
"""In the order in which they are applied: what pods need comes before them."""
OPTIONAL = frozenset({SCALED_OBJECT, POD_MONITOR})
"""Kinds that a plain cluster does not have."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the operator was told, and what it found, beside the VoiceAgent."""

    image: str
    """Of the media pods, unless a VoiceAgent names its own."""
    pull_policy: str
    kinds: frozenset[Kind]
    """Those of `OPTIONAL` that this cluster has."""
    otlp_endpoint: str = ""
    """Where traces go of pods whose VoiceAgent names no collector; "" for nowhere."""
    log_format: str = "text"
    """Of the pods."""


@dataclass(frozen=True, slots=True)
class Child:
    """One object as it should be."""

    kind: Kind
    body: Json

    @property
    def name(self) -> str:
        """Its name; its namespace is the agent's."""
        name: str = self.body["metadata"]["name"]
        return name

    @property
    def applied(self) -> str:
        """Hash of the whole, as its annotation has it."""
        applied: str = self.body["metadata"]["annotations"][names.APPLIED]
        return applied


def children(agent: Agent, setting: Setting) -> list[Child]:
    """All children of `agent`, in the order in which they are applied.

    Raises:
        MergeError: spec.podTemplate cannot be laid over the pods.
    """
    defaults = workload.Defaults(
        setting.image, setting.pull_policy, setting.otlp_endpoint, setting.log_format
    )
    renderers: dict[Kind, Callable[[Agent], list[Json]]] = {
        SERVICE_ACCOUNT: access.service_accounts,
        CONFIG_MAP: manifest.config_maps,
        SERVICE: services.services,
        NETWORK_POLICY: access.network_policies,
        DEPLOYMENT: lambda each: [workload.deployment(each, defaults)],
        DISRUPTION_BUDGET: scaling.disruption_budgets,
        AUTOSCALER: scaling.autoscalers,
        SCALED_OBJECT: scaling.scaled_objects,
        POD_MONITOR: services.pod_monitors,
    }
    return [
        Child(kind, _finish(agent, kind, part))
        for kind in KINDS
        if kind not in OPTIONAL or kind in setting.kinds
        for part in renderers[kind](agent)
    ]


def digest(value: object) -> str:
    """A short hash of JSON: equal values, equal hash."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _finish(agent: Agent, kind: Kind, part: Json) -> Json:
    """`part`, which has a name and what is its own, with what every child has."""
    own = dict(part)
    name = own.pop("name")
    body = kind.head(agent.namespace, name) | own
    body["metadata"] |= {"labels": names.labels(agent), "ownerReferences": [names.owner(agent)]}
    body["metadata"]["annotations"] = {names.APPLIED: digest(body)}
    return body
