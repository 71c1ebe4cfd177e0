"""Where a pod listens, and how it is reached."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.types import EachOnce, HostName, PeerAddress, Port
from media_pod.manifest.validation import StrictModel


class Server(StrictModel):
    """Where a pod listens, and what address it gives to Asterisk."""

    bind_host: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="0.0.0.0",
        description="Address to listen on. Default 0.0.0.0, every IPv4 address: Asterisk is "
        "usually another machine.",
    )
    audio_socket_port: Port = Field(
        default=3000,
        description="TCP port for AudioSocket; 0 takes any free port, but not in a cluster. "
        "Default 3000, as in common dialplans.",
    )
    web_socket_port: Port = Field(
        default=3001,
        description="TCP port for WebSocket, with transport webSocket in place of audioSocketPort; "
        "0 takes any free port, but not in a cluster. Default 3001, the one after it.",
    )
    http_port: Port = Field(
        default=1650,
        description="TCP port for HTTP; 0 takes any free port, but not in a cluster. Default 1650, "
        "as in common dialplans.",
    )
    advertise_host: HostName = Field(
        default="",
        description="Host that Asterisk is told to connect to; empty in a cluster, where each pod "
        "has its own. Default empty: the address on which its HTTP request came in, which it "
        "evidently reaches.",
    )
    peers: Annotated[
        tuple[PeerAddress, ...],
        # YAML and JSON have lists, not tuples; the addresses themselves stay strict
        Field(strict=False, min_length=0, max_length=64),
        EachOnce(),
    ] = Field(
        default=(),
        description="Other pods of the same agent, host:port of their HTTP API: asked for "
        "room when this pod is full or draining, and about calls that it does not know. A name "
        "with several addresses, such as a headless Service, stands for all of them. None in a "
        "cluster, where the operator lists them. Default none: a pod alone.",
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
        # For a cluster alone: a Service, probes and a NetworkPolicy name ports beforehand, every
        # pod serves the same document, and pods come and go.
        Rule(
            "!(0 in [self.httpPort, self.audioSocketPort, self.webSocketPort])",
            found="0 as {self.httpPort == 0 ? 'httpPort' :"
            " self.audioSocketPort == 0 ? 'audioSocketPort' : 'webSocketPort'}",
            allowed="in a cluster a port from 1 to 65535; leave it out for the default",
        ),
        Rule(
            "self.advertiseHost == ''",
            found="advertiseHost {self.advertiseHost}",
            allowed="in a cluster none, because each pod gives its own address; leave it out",
            field=".advertiseHost",
            reason="FieldValueForbidden",
        ),
        Rule(
            "self.peers.size() == 0",
            found="{self.peers.size()} peers",
            allowed="in a cluster none, because the operator lists the agent's pods; leave it out",
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
