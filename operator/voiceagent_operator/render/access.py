"""What pods may do, and who may connect to them."""

from typing import Any

from voiceagent_operator import names
from voiceagent_operator.agent import Agent
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.render.services import audio_port


def service_accounts(agent: Agent) -> list[Json]:
    """An identity of the pods' own. It has no Role: a media pod never asks the API server."""
    return [{"name": agent.name, "automountServiceAccountToken": False}]


def network_policies(agent: Agent) -> list[Json]:
    """Who may connect: Asterisk, the agent's own pods, the operator, and whatever is listed."""
    network = agent.spec.network
    if not network.policy:
        return []
    anywhere: dict[str, Any] = {"namespaceSelector": {}}
    asterisk = {names.ASTERISK: agent.spec.telephony.asterisk}
    callers = [
        {**anywhere, "podSelector": {"matchLabels": asterisk}},
        {"podSelector": {"matchLabels": names.selected(agent)}},
        *({"ipBlock": {"cidr": cidr}} for cidr in network.cidrs),
        *(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
            for namespace in network.namespaces
        ),
    ]
    operator = {**anywhere, "podSelector": {"matchLabels": names.OPERATOR_PODS}}
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
