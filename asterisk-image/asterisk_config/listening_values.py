"""What the values say about where Asterisk is reached: by SIP, by SIP over TLS, by RTP."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.sip_values import Port, Transport
from asterisk_config.texts import FilePath, Host, Network, OptionalHost
from media_pod.manifest.validation import StrictModel

Plain = Literal["udp", "tcp"]


class Tls(StrictModel):
    """SIP over TLS."""

    port: Port = Field(default=5061, description="TCP port of it. Default 5061, SIP's own.")
    certificate: FilePath = Field(
        description="File with Asterisk's certificate and those between it and the authority, in "
        "PEM. It may change while Asterisk runs. No default."
    )
    key: FilePath = Field(
        description="File with the certificate's private key, in PEM, without a passphrase. No "
        "default."
    )
    authorities: FilePath = Field(
        default="/etc/ssl/certs/ca-certificates.crt",
        description="File with the certificates, in PEM, of the authorities that trunks with "
        "transport tls have to be known to. Default: Debian's list of public authorities.",
    )


class Sip(StrictModel):
    """Where Asterisk listens for SIP."""

    bind_host: Host = Field(
        default="0.0.0.0",
        description="Address to listen on. Default 0.0.0.0, every IPv4 address: phones are "
        "other machines.",
    )
    port: Port = Field(default=5060, description="Port of SIP. Default 5060, SIP's own.")
    transports: Annotated[tuple[Plain, ...], Field(strict=False, max_length=2)] = Field(
        default=("udp", "tcp"),
        description="Transports to listen on, none of them if tls is meant to be the only one. "
        "Default udp and tcp: large requests need tcp.",
    )
    tls: Tls | None = Field(
        default=None, description="SIP over TLS. Default: Asterisk does not offer it."
    )
    external_address: OptionalHost = Field(
        default="",
        description="Address that the outside reaches this machine by, where NAT is between. "
        "Default empty: the machine's own.",
    )
    local_networks: tuple[Network, ...] = Field(
        default=("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        strict=False,
        max_length=32,
        description="Networks that are told the machine's own address in spite of an external "
        "one. Default: the private networks and this machine.",
    )
    anonymous: bool = Field(
        default=False,
        description="Whether calls from strangers reach the agents' extensions. Default false: "
        "scanners find an open SIP port within the hour.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.listening:
            raise PydanticCustomError(
                "clash", "found neither transports nor tls; allowed: at least one"
            )
        if self.tls and self.tls.port == self.port and "tcp" in self.transports:
            raise PydanticCustomError(
                "clash",
                "found port {port} for tcp and for tls; allowed: one each",
                {"port": self.port},
            )
        return self

    @property
    def listening(self) -> tuple[Transport, ...]:
        """The transports, tls the last."""
        return (*self.transports, "tls") if self.tls else self.transports


class Rtp(StrictModel):
    """Which ports media use."""

    first_port: Port = Field(
        default=10000,
        description="First UDP port of RTP. Default 10000, Asterisk's own.",
    )
    last_port: Port = Field(
        default=10199,
        description="Last UDP port of RTP; a call takes two. Default 10199: a hundred calls, "
        "what one pod carries.",
    )

    @model_validator(mode="after")
    def _a_call_at_least(self) -> Self:
        if self.last_port <= self.first_port:
            raise PydanticCustomError(
                "clash",
                "found ports {first} to {last}; allowed: lastPort above firstPort",
                {"first": self.first_port, "last": self.last_port},
            )
        return self
