"""VoiceAgents and their children, as an API server has them."""

from typing import Any

from voiceagent_operator.agents.agent import Agent, parse_agent
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.render.children import RenderSettings

SETTING = RenderSettings(
    "example.com/media:1",
    "IfNotPresent",
    frozenset(),
    asterisk_namespaces=("system", "pbx"),
    operator_namespace="system",
)


def voice_agent(name: str = "reception", namespace: str = "calls", **spec: Any) -> Json:
    """A VoiceAgent with the parcel desk, and `spec` laid over it."""
    return {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-of-{namespace}-{name}",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "resourceVersion": "7",
            "managedFields": [{"manager": "kubectl", "operation": "Apply"}],
        },
        "spec": {"dialogue": {"kind": "parcelDesk"}, **spec},
    }


def agent(name: str = "reception", namespace: str = "calls", **spec: Any) -> Agent:
    """The same, read."""
    return parse_agent(voice_agent(name, namespace, **spec))
