"""Names, labels and annotations of the operator's objects."""

from typing import Final

from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import GROUP, VOICE_AGENT, Json

MANAGED_BY: Final = "interject-operator"

AGENT: Final = f"{GROUP}/agent"
"""Label of everything that belongs to one agent."""
ASTERISK: Final = f"{GROUP}/asterisk"
"""Label of Asterisk pods, and of the dialplans made for them: which Asterisk it is."""
APPLIED: Final = f"{GROUP}/applied"
"""Annotation of each child: hash of what was last applied."""
RESTART_KEY: Final = f"{GROUP}/restart-key"
"""Annotation of pods: hash of the settings that need a restart of the pod."""
MANIFEST_SEEN: Final = f"{GROUP}/manifest"
"""Annotation of pods: hash of the latest manifest. A kubelet refreshes the ConfigMaps of a pod when
the pod changes, and otherwise about once a minute."""
DIALPLAN_SEEN: Final = f"{GROUP}/dialplan"
"""Annotation of Asterisk pods: hash of the latest dialplan, for the same reason."""
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DO_NOT_DISRUPT: Final = "karpenter.sh/do-not-disrupt"

_NAME: Final = "app.kubernetes.io/name"
MANAGER: Final = "app.kubernetes.io/managed-by"
OPERATOR_PODS: Final = {_NAME: "interject-operator"}
"""Labels of the operator's own pods; the chart sets them."""
OURS: Final = f"{MANAGER}={MANAGED_BY}"
"""Label selector of all objects that the operator created."""


def selected(agent: Agent) -> dict[str, str]:
    """Selector labels of the pods of `agent`."""
    return {AGENT: agent.name}


def labels(agent: Agent) -> dict[str, str]:
    """The labels of a child of `agent`."""
    return {
        _NAME: "interject-media",
        "app.kubernetes.io/instance": agent.name,
        "app.kubernetes.io/component": "media",
        "app.kubernetes.io/part-of": "interject",
        MANAGER: MANAGED_BY,
        **selected(agent),
    }


def dialplan_labels(asterisk: str) -> dict[str, str]:
    """The labels of the dialplan made for one Asterisk."""
    return {
        _NAME: "interject-dialplan",
        "app.kubernetes.io/part-of": "interject",
        MANAGER: MANAGED_BY,
        ASTERISK: asterisk,
    }


def owner(agent: Agent) -> Json:
    """The owner reference by which Kubernetes deletes a child after `agent`."""
    return {
        "apiVersion": VOICE_AGENT.api_version,
        "kind": VOICE_AGENT.kind,
        "name": agent.name,
        "uid": agent.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def headless_name(agent: Agent) -> str:
    """Name of the headless Service, which resolves to each of the agent's pods."""
    return f"{agent.name}-pods"


def manifest_name(agent: Agent) -> str:
    """Name of the ConfigMap with the manifest of the pods."""
    return f"{agent.name}-manifest"


def dialplan_name(asterisk: str) -> str:
    """Name of the ConfigMap with the published extensions of one Asterisk."""
    return f"interject-dialplan-{asterisk}"
