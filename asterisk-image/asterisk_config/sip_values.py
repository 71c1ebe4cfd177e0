"""Models of SIP: phones, trunks, transports, TLS, RTP."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.texts import (
    AccountName,
    AgentName,
    EnvironmentName,
    FilePath,
    Host,
    HostOrNetwork,
    Name,
    Network,
    Number,
    OptionalHost,
    PasswordText,
    UserName,
)
from media_pod.manifest.validation import StrictModel

Codec = Literal["ulaw", "alaw", "g722"]
Codecs = Annotated[tuple[Codec, ...], Field(strict=False, min_length=1, max_length=3)]
Transport = Literal["udp", "tcp", "tls"]
PlainTransport = Literal["udp", "tcp"]
Encryption = Literal["none", "sdes"]
Port = Annotated[int, Field(ge=1, le=65535)]

RESERVED_NAMES = frozenset({"anonymous", "general", "global", "system"})
"""Section names that pjsip.conf reserves."""


class Password(StrictModel):
    """A password, or its source."""

    value: PasswordText | None = Field(
        default=None,
        repr=False,
        description="The password in clear text, 1 to 128 printable ASCII characters without "
        "spaces. Default: none, env or file is set instead.",
    )
    env: EnvironmentName | None = Field(
        default=None, description="Environment variable with the password. Default: none."
    )
    file: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="File with the password, such as a mounted secret; a trailing newline is "
        "ignored. Default: none.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("value", "env", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "no source"
            raise PydanticCustomError(
                "one_of",
                "found {found}; allowed: exactly one of value, env, file",
                {"found": found},
            )
        return self


class PhoneEndpoint(StrictModel):
    """A SIP phone that registers with Asterisk."""

    name: UserName = Field(description="SIP user name. No default.")
    extension: Number | None = Field(
        default=None,
        description="Number to dial for this phone. Default: its name, if that is a number.",
    )
    password: Password = Field(description="SIP password. No default.")
    transport: Transport | None = Field(
        default=None,
        description="Transport for requests to the phone; tls requires sip.tls. Default: the one "
        "that the phone registered over.",
    )
    encryption: Encryption = Field(
        default="none",
        description="Media encryption. sdes: SRTP with keys in SDP, requires transport tls; "
        "unencrypted calls are rejected. Default none: the phone must be configured for it.",
    )
    codecs: Codecs | None = Field(
        default=None, description="Codecs in order of preference. Default: the global codecs."
    )
    permit: tuple[Network, ...] = Field(
        default=(),
        strict=False,
        max_length=32,
        description="Addresses and networks (CIDR) from which the phone may register and call. "
        "Default: any, with the right password.",
    )

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if self.extension is None and not self.name.isdecimal():
            raise PydanticCustomError(
                "one_of",
                "found {name} without extension; allowed: a numeric name, or an extension",
                {"name": self.name},
            )
        _require_tls_for_sdes(self.transport, self.encryption)
        return self

    @property
    def number(self) -> str:
        """Number to dial for this phone."""
        return self.extension or self.name


class Trunk(StrictModel):
    """A SIP provider or another PBX."""

    name: Name = Field(description="Name of the trunk. No default.")
    host: Host = Field(description="Host name or IPv4 address of the peer. No default.")
    port: Port | None = Field(
        default=None,
        description="SIP port of the peer. Default 5060, with tls 5061: the standard ports.",
    )
    transport: Transport = Field(
        default="udp",
        description="SIP transport; tls requires sip.tls. Default udp: most providers offer it.",
    )
    encryption: Encryption = Field(
        default="none",
        description="Media encryption. sdes: SRTP with keys in SDP, requires transport tls; "
        "unencrypted calls are rejected. Default none: few providers offer it.",
    )
    register_here: bool = Field(
        default=False,
        alias="register",
        description="Register Asterisk with the peer. Default false: many trunks identify their "
        "customer by IP address.",
    )
    user: AccountName | None = Field(
        default=None, description="Account name at the peer. Default: no account."
    )
    password: Password | None = Field(
        default=None, description="Password of the account. Default: no account."
    )
    match: tuple[HostOrNetwork, ...] = Field(
        default=(),
        strict=False,
        max_length=32,
        description="Addresses and networks (CIDR) from which calls of this trunk arrive; these "
        "calls are accepted without a password. Default: host.",
    )
    codecs: Codecs | None = Field(
        default=None, description="Codecs in order of preference. Default: the global codecs."
    )
    agent: AgentName | None = Field(
        default=None,
        description="Agent that answers every number. Default: the agent with that extension.",
    )

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if (self.user is None) != (self.password is None) or (
            self.register_here and self.user is None
        ):
            raise PydanticCustomError(
                "one_of",
                "found an incomplete account; allowed: both user and password, or neither of them "
                "and register: false",
            )
        _require_tls_for_sdes(self.transport, self.encryption)
        return self

    @property
    def sip_port(self) -> int:
        """The configured port, or the default for the transport."""
        return self.port or (5061 if self.transport == "tls" else 5060)


class Tls(StrictModel):
    """SIP over TLS."""

    port: Port = Field(
        default=5061, description="TCP port for TLS. Default 5061, the standard port."
    )
    certificate: FilePath = Field(
        description="File with Asterisk's certificate chain in PEM format: its certificate and the "
        "intermediate certificates. Reloaded at runtime when it changes. No default."
    )
    key: FilePath = Field(
        description="File with the private key in PEM format, without a passphrase. No default."
    )
    authorities: FilePath = Field(
        default="/etc/ssl/certs/ca-certificates.crt",
        description="File with CA certificates in PEM format, to verify trunks with transport tls. "
        "Default: Debian's bundle of public CAs.",
    )


class Sip(StrictModel):
    """SIP listeners and NAT."""

    bind_host: Host = Field(
        default="0.0.0.0",
        description="Address to listen on. Default 0.0.0.0: all IPv4 addresses.",
    )
    port: Port = Field(default=5060, description="SIP port. Default 5060, the standard port.")
    transports: Annotated[tuple[PlainTransport, ...], Field(strict=False, max_length=2)] = Field(
        default=("udp", "tcp"),
        description="Unencrypted transports to listen on; empty to allow tls only. Default udp and "
        "tcp: large requests need tcp.",
    )
    tls: Tls | None = Field(default=None, description="SIP over TLS. Default: disabled.")
    external_address: OptionalHost = Field(
        default="",
        description="Public address of this host, if it is behind NAT. Default empty: the host's "
        "own address.",
    )
    local_networks: tuple[Network, ...] = Field(
        default=("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        strict=False,
        max_length=32,
        description="Networks (CIDR) to which Asterisk advertises the host's own address instead "
        "of externalAddress. Default: the private networks and loopback.",
    )
    anonymous: bool = Field(
        default=False,
        description="Accept calls to agents from unauthenticated callers. Default false: scanners "
        "find an open SIP port within an hour.",
    )

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if not self.listening:
            raise PydanticCustomError(
                "clash", "found neither transports nor tls; allowed: at least one transport"
            )
        if self.tls and self.tls.port == self.port and "tcp" in self.transports:
            raise PydanticCustomError(
                "clash",
                "found port {port} for both tcp and tls; allowed: different ports",
                {"port": self.port},
            )
        return self

    @property
    def listening(self) -> tuple[Transport, ...]:
        """All enabled transports, tls last."""
        return (*self.transports, "tls") if self.tls else self.transports


class Rtp(StrictModel):
    """RTP port range."""

    first_port: Port = Field(
        default=10000,
        description="First UDP port of RTP. Default 10000, Asterisk's default.",
    )
    last_port: Port = Field(
        default=10199,
        description="Last UDP port of RTP; each call takes two ports. Default 10199: 100 calls, "
        "the capacity of one pod.",
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.last_port <= self.first_port:
            raise PydanticCustomError(
                "clash",
                "found ports {first} to {last}; allowed: lastPort greater than firstPort",
                {"first": self.first_port, "last": self.last_port},
            )
        return self


def _require_tls_for_sdes(transport: Transport | None, encryption: Encryption) -> None:
    if encryption == "sdes" and transport != "tls":
        raise PydanticCustomError(
            "clash",
            "found encryption sdes with {found}, which would send the SRTP keys in clear text; "
            "allowed: sdes with transport tls",
            {"found": f"transport {transport}" if transport else "no transport"},
        )
