"""How pods are found: by dialplans, by each other, and by Prometheus."""

from typing import Any

from voiceagent_operator import names
from voiceagent_operator.agent import Agent
from voiceagent_operator.kube.kinds import Json


def audio_port(agent: Agent) -> int:
    """The port on which the pods take audio."""
    server = agent.spec.server
    over_websocket = agent.spec.line.transport == "webSocket"
    return server.web_socket_port if over_websocket else server.audio_socket_port


def services(agent: Agent) -> list[Json]:
    """One that asks any ready pod, which dialplans use, and one that stands for each pod.

    The latter names pods that are not ready too: a draining pod still knows its calls.
    """
    http = _port("http", agent.spec.server.http_port)
    audio = _port("audio", audio_port(agent))
    selector = names.selected(agent)
    return [
        {"name": agent.name, "spec": {"selector": selector, "ports": [http]}},
        {
            "name": names.headless_name(agent),
            "spec": {
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": selector,
                "ports": [http, audio],
            },
        },
    ]


def pod_monitors(agent: Agent) -> list[Json]:
    """What has a Prometheus of the Prometheus operator collect the pods' metrics."""
    return [
        {
            "name": agent.name,
            "spec": {
                "selector": {"matchLabels": names.selected(agent)},
                "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
            },
        }
    ]


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "port": number, "protocol": "TCP", "targetPort": name}
