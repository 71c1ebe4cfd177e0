"""All children of a VoiceAgent as they should be, and the manifest that its pods serve."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from media_pod.manifest.reload import ONLY_CLUSTER
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
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
    VOICE_AGENT,
    Json,
    Kind,
)
from voiceagent_operator.render import network, scaling, workload

FILE: Final = "agent.yaml"
"""The ConfigMap's one key."""

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
"""In the order in which they are applied: what pods need comes first."""
OPTIONAL = frozenset({SCALED_OBJECT, POD_MONITOR})
"""Kinds of other operators, which a cluster may not serve."""
PRUNED = frozenset({NETWORK_POLICY, AUTOSCALER, SCALED_OBJECT})
"""Kinds of which a changed spec may need none. The others go with their VoiceAgent."""


Slot = tuple[Kind, str]
"""A child's kind and name."""


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Inputs of rendering besides the VoiceAgent: options of the operator and cluster features."""

    image: str
    """Default image of media pods."""
    pull_policy: str
    kinds: frozenset[Kind]
    """Those of `OPTIONAL` that this cluster serves."""
    asterisk_namespaces: tuple[str, ...]
    """Those whose pods may be an Asterisk; at least one."""
    operator_namespace: str
    otlp_endpoint: str = ""
    """Default OTLP endpoint of media pods; "" for no traces."""
    log_format: str = "text"
    """Of the pods."""
    user_id: int | None = workload.USER_ID
    """Of the pods; None: the cluster assigns it."""
    secret_prefix: str = ""
    """Of the Secrets that agents may refer to; see decide/permitted.py."""
    metrics_api: bool = True
    """Whether the operator serves the custom metrics API."""
    pod_monitor_labels: Mapping[str, str] = field(default_factory=dict)
    """By which a Prometheus selects PodMonitors."""


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


def children(agent: Agent, setting: RenderSettings) -> list[Child]:
    """All children of `agent`, in the order in which they are applied.

    Raises:
        MergeError, DrainCutError: see `workload.deployment`.
    """
    defaults = workload.PodDefaults(
        setting.image,
        setting.pull_policy,
        setting.otlp_endpoint,
        setting.log_format,
        setting.user_id,
    )
    renderers: dict[Kind, Callable[[Agent], list[Json]]] = {
        SERVICE_ACCOUNT: network.service_accounts,
        CONFIG_MAP: config_maps,
        SERVICE: network.services,
        NETWORK_POLICY: lambda each: network.network_policies(
            each, setting.asterisk_namespaces, setting.operator_namespace
        ),
        DEPLOYMENT: lambda each: [workload.deployment(each, defaults)],
        DISRUPTION_BUDGET: scaling.disruption_budgets,
        AUTOSCALER: scaling.autoscalers,
        SCALED_OBJECT: scaling.scaled_objects,
        POD_MONITOR: lambda each: network.pod_monitors(each, setting.pod_monitor_labels),
    }
    return [
        Child(kind, _finish(agent, kind, part))
        for kind in KINDS
        if kind not in OPTIONAL or kind in setting.kinds
        for part in renderers[kind](agent)
    ]


def config_maps(agent: Agent) -> list[Json]:
    """The ConfigMap with the manifest."""
    return [{"name": names.manifest_name(agent), "data": {FILE: manifest(agent)}}]


def manifest(agent: Agent) -> str:
    """The text of the pods' manifest.

    Its peers are the agent's own pods: a full or draining pod asks them for a free slot, and for
    the pod of a call that it does not have.
    """
    spec = agent.spec.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=set(ONLY_CLUSTER)
    )
    spec["server"]["peers"] = [f"{names.headless_name(agent)}:{agent.spec.server.http_port}"]
    document = {
        "apiVersion": VOICE_AGENT.api_version,
        "kind": VOICE_AGENT.kind,
        "metadata": {"name": agent.name, "namespace": agent.namespace},
        "spec": spec,
    }
    # The dumper in C: the one in Python takes 10 ms, half of a reconcile without changes.
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def digest(value: object) -> str:
    """A short hash of JSON: equal values, equal hash."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _finish(agent: Agent, kind: Kind, part: Json) -> Json:
    """`part`, which has a name and what is its own, with what every child has."""
    own = dict(part)
    name, more = own.pop("name"), own.pop("labels", {})
    body = kind.head(agent.namespace, name) | own
    labels = {**more, **names.labels(agent)}
    body["metadata"] |= {"labels": labels, "ownerReferences": [names.owner(agent)]}
    body["metadata"]["annotations"] = {names.APPLIED: digest(body)}
    return body
