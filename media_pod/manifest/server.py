"""Addresses and ports of a pod."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.providers import SecretPlace
from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.types import EachOnce, HostName, PeerAddress, Port
from media_pod.manifest.validation import StrictModel


class ServerSettings(StrictModel):
    """Addresses and ports that a pod listens on, and the address that it advertises."""

    bind_host: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="::",
        description="Address to bind. Default ::, all addresses of IPv6 and IPv4 (where there is "
        "no IPv6, all of IPv4): Asterisk usually runs on another machine.",
    )
    audio_socket_port: Port = Field(
        default=3000,
        description="TCP port for AudioSocket; 0 binds any free port, except in a cluster. "
        "Default 3000, as in common dialplans.",
    )
    web_socket_port: Port = Field(
        default=3001,
        description="TCP port for WebSocket; transport webSocket uses it instead of "
        "audioSocketPort. 0 binds any free port, except in a cluster. Default 3001, next to "
        "audioSocketPort.",
    )
    http_port: Port = Field(
        default=1650,
        description="TCP port for the HTTP API; 0 binds any free port, except in a cluster. "
        "Default 1650, as in common dialplans.",
    )
    advertise_host: HostName = Field(
        default="",
        description="Host that Asterisk connects to for audio. Must be empty in a cluster, where "
        "each pod advertises its own address. Default empty: the local address of Asterisk's HTTP "
        "request, which Asterisk can reach.",
    )
    control_token: SecretPlace | None = Field(
        default=None,
        description="Token, at least 16 characters, of those who may drain a pod and see its "
        "calls: they send `Authorization: Bearer TOKEN` with /api/drain and /api/calls. Default "
        "none: only the pod's own machine may, in a cluster the pod itself and whoever may use "
        "`kubectl port-forward`.",
    )
    peers: Annotated[
        tuple[PeerAddress, ...],
        # YAML and JSON have lists, not tuples; the addresses themselves stay strict
        Field(strict=False, min_length=0, max_length=64),
        EachOnce(),
    ] = Field(
        default=(),
        description="HTTP APIs of other pods of the same agent, host:port. The pod queries them "
        "for a free slot when it is full or draining, and for calls that it does not know. A name "
        "that resolves to several addresses, such as a headless Service, stands for all of them. "
        "Must be empty in a cluster, where the operator lists the pods. Default none: a single "
        "pod.",
    )

    model_config = in_cluster(
        Rule(
            "self.httpPort == 0 || !(self.httpPort in [self.audioSocketPort, self.webSocketPort])",
            found="{self.httpPort} as both "
            "{self.httpPort == self.audioSocketPort ? 'audioSocketPort' : 'webSocketPort'}"
            " and httpPort",
            allowed="two different ports",
            field=".httpPort",
        ),
        # Only for a cluster: Services, probes and NetworkPolicies need fixed port numbers, all pods
        # share one document, and pods are replaced.
        Rule(
            "!(0 in [self.httpPort, self.audioSocketPort, self.webSocketPort])",
            found="0 as {self.httpPort == 0 ? 'httpPort' :"
            " self.audioSocketPort == 0 ? 'audioSocketPort' : 'webSocketPort'}",
            allowed="in a cluster a port from 1 to 65535; omit it for the default",
        ),
        Rule(
            "self.advertiseHost == ''",
            found="advertiseHost {self.advertiseHost}",
            allowed="in a cluster none, because each pod advertises its own address; omit it",
            field=".advertiseHost",
            reason="FieldValueForbidden",
        ),
        Rule(
            "self.peers.size() == 0",
            found="{self.peers.size()} peers",
            allowed="in a cluster none, because the operator lists the agent's pods; omit it",
            field=".peers",
            reason="FieldValueForbidden",
        ),
    )

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        media = {"audioSocketPort": self.audio_socket_port, "webSocketPort": self.web_socket_port}
        for name, port in media.items():
            if port == self.http_port != 0:
                raise PydanticCustomError(
                    "clash",
                    "found {port} as both {name} and httpPort; allowed: two different ports",
                    {"port": port, "name": name},
                )
        return self
