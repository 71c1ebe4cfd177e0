"""Names, labels and annotations by which the operator's objects are found."""

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
"""Annotation of pods: hash of the settings that a running pod cannot take over."""
MANIFEST_SEEN: Final = f"{GROUP}/manifest"
"""Annotation of pods: hash of the latest manifest. A kubelet looks at a pod's ConfigMaps when the
pod changes, and otherwise about once a minute."""
DIALPLAN_SEEN: Final = f"{GROUP}/dialplan"
"""Annotation of Asterisk pods: hash of the latest dialplan, for the same reason."""
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"

_NAME: Final = "app.kubernetes.io/name"
MANAGER: Final = "app.kubernetes.io/managed-by"
OPERATOR_PODS: Final = {_NAME: "interject-operator"}
"""Labels of the operator's own pods; whoever installs it sets them."""
OURS: Final = f"{MANAGER}={MANAGED_BY}"
"""Selector of everything that the operator made."""


def selected(agent: Agent) -> dict[str, str]:
    """The labels by which the pods of `agent` are told from others in its namespace."""
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
    """The reference that has Kubernetes remove a child once `agent` is gone."""
    return {
        "apiVersion": VOICE_AGENT.api_version,
        "kind": VOICE_AGENT.kind,
        "name": agent.name,
        "uid": agent.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def headless_name(agent: Agent) -> str:
    """The Service that stands for each of the agent's pods."""
    return f"{agent.name}-pods"


def manifest_name(agent: Agent) -> str:
    """The ConfigMap with the manifest that the pods serve."""
    return f"{agent.name}-manifest"


def dialplan_name(asterisk: str) -> str:
    """The ConfigMap with the published extensions of one Asterisk."""
    return f"interject-dialplan-{asterisk}"
