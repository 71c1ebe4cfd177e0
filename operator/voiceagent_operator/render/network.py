"""Services, PodMonitor, ServiceAccount and NetworkPolicy: how pods are found and reached."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import Json

_NAMESPACE: Final = "kubernetes.io/metadata.name"
"""Label of each namespace with its name; the API server keeps it."""


def audio_port(agent: Agent) -> int:
    """The port on which the pods take audio."""
    server = agent.spec.server
    over_websocket = agent.spec.line.transport == "webSocket"
    return server.web_socket_port if over_websocket else server.audio_socket_port


def services(agent: Agent) -> list[Json]:
    """One to any ready pod, for dialplans, and a headless one for each pod.

    The latter includes pods that are not ready: a draining pod still has its calls.
    """
    http = _port("http", agent.spec.server.http_port)
    audio = _port("audio", audio_port(agent))
    selector = names.selected(agent)
    families = {"ipFamilyPolicy": "PreferDualStack"}
    return [
        {"name": agent.name, "spec": {**families, "selector": selector, "ports": [http]}},
        {
            "name": names.headless_name(agent),
            "spec": {
                **families,
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": selector,
                "ports": [http, audio],
            },
        },
    ]


def pod_monitors(agent: Agent, labels: Mapping[str, str]) -> list[Json]:
    """For a Prometheus of the Prometheus operator, which selects PodMonitors by `labels`."""
    return [
        {
            "name": agent.name,
            "labels": dict(labels),
            "spec": {
                "selector": {"matchLabels": names.selected(agent)},
                "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
            },
        }
    ]


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "port": number, "protocol": "TCP", "targetPort": name}


def service_accounts(agent: Agent) -> list[Json]:
    """The identity of the pods. It has no Role: media pods never call the API server."""
    return [{"name": agent.name, "automountServiceAccountToken": False}]


def network_policies(
    agent: Agent, asterisk_namespaces: Sequence[str], operator_namespace: str
) -> list[Json]:
    """Who may connect: Asterisk, the agent's own pods, the operator, and whatever is listed.

    Labels of pods count in these namespaces alone: elsewhere anybody may give them to a pod.

    Egress is not limited: models, voices and tools are anywhere, and a policy takes no host names.
    """
    network = agent.spec.network
    if not network.policy:
        return []
    asterisk = {names.ASTERISK: agent.spec.telephony.asterisk}
    callers = [
        _pods(asterisk, asterisk_namespaces),
        {"podSelector": {"matchLabels": names.selected(agent)}},
        *({"ipBlock": {"cidr": cidr}} for cidr in network.cidrs),
        *(
            {"namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}}}
            for namespace in network.namespaces
        ),
    ]
    operator = _pods(names.OPERATOR_PODS, [operator_namespace])
    http = {"port": agent.spec.server.http_port, "protocol": "TCP"}
    audio = {"port": audio_port(agent), "protocol": "TCP"}
    return [
        {
            "name": agent.name,
            "spec": {
                "podSelector": {"matchLabels": names.selected(agent)},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {"from": callers, "ports": [http, audio]},
                    {"from": [operator], "ports": [http]},
                ],
            },
        }
    ]


def _pods(labels: dict[str, str], namespaces: Sequence[str]) -> dict[str, Any]:
    """Pods with these labels in these namespaces, as a peer of a NetworkPolicy."""
    there = {"key": _NAMESPACE, "operator": "In", "values": sorted(namespaces)}
    return {
        "namespaceSelector": {"matchExpressions": [there]},
        "podSelector": {"matchLabels": labels},
    }
