"""What the values say about SIP and RTP: where Asterisk listens, phones, trunks."""

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
from media_pod.strict import StrictModel

Codec = Literal["ulaw", "alaw", "g722"]
Codecs = Annotated[tuple[Codec, ...], Field(strict=False, min_length=1, max_length=3)]
Plain = Literal["udp", "tcp"]
Transport = Literal["udp", "tcp", "tls"]
Encryption = Literal["none", "sdes"]
Port = Annotated[int, Field(ge=1, le=65535)]

RESERVED_NAMES = frozenset({"anonymous", "general", "global", "system"})
"""Sections with a meaning of their own in pjsip.conf."""


class Password(StrictModel):
    """A password, or where to find it."""

    value: PasswordText | None = Field(
        default=None,
        repr=False,
        description="The password itself, 1 to 128 printable ASCII characters without spaces. "
        "Default: taken from elsewhere.",
    )
    env: EnvironmentName | None = Field(
        default=None, description="Environment variable that holds it. Default: none."
    )
    file: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="File that holds it, such as a mounted secret; a line end after it does not "
        "count. Default: none.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("value", "env", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise PydanticCustomError(
                "one_of", "found {found}; allowed: one of value, env, file", {"found": found}
            )
        return self


class Phone(StrictModel):
    """A telephone that registers here."""

    name: UserName = Field(description="Its SIP user name. No default.")
    extension: Number | None = Field(
        default=None,
        description="Number that reaches it. Default: its name, if that is a number.",
    )
    password: Password = Field(description="Its password. No default.")
    transport: Transport | None = Field(
        default=None,
        description="Transport by which Asterisk speaks to it; tls needs sip.tls. Default: the "
        "one by which it registered.",
    )
    encryption: Encryption = Field(
        default="none",
        description="Encryption of its audio. sdes is SRTP with keys in the signalling, which "
        "transport tls hides; calls without it are refused then. Default none: a phone has to be "
        "set up for it.",
    )
    codecs: Codecs | None = Field(
        default=None, description="Its codecs, the best first. Default: the codecs of all."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.extension is None and not self.name.isdecimal():
            raise PydanticCustomError(
                "one_of",
                "found {name} without extension; allowed: a name of digits, or an extension",
                {"name": self.name},
            )
        _keys_are_hidden(self.transport, self.encryption)
        return self

    @property
    def number(self) -> str:
        """The number that reaches it."""
        return self.extension or self.name


class Trunk(StrictModel):
    """A SIP provider or another PBX."""

    name: Name = Field(description="Name of the trunk. No default.")
    host: Host = Field(description="Its host name or IPv4 address. No default.")
    port: Port | None = Field(
        default=None, description="Its SIP port. Default 5060, with tls 5061: SIP's own."
    )
    transport: Transport = Field(
        default="udp",
        description="Transport to it; tls needs sip.tls. Default udp: what providers offer first.",
    )
    encryption: Encryption = Field(
        default="none",
        description="Encryption of its audio. sdes is SRTP with keys in the signalling, which "
        "transport tls hides; calls without it are refused then. Default none: few providers "
        "offer it.",
    )
    register_here: bool = Field(
        default=False,
        alias="register",
        description="Whether Asterisk registers there. Default false: many trunks know their "
        "customer by the address.",
    )
    user: AccountName | None = Field(
        default=None, description="Account name there. Default: no account."
    )
    password: Password | None = Field(
        default=None, description="The account's password. Default: no account."
    )
    match: tuple[HostOrNetwork, ...] = Field(
        default=(),
        strict=False,
        max_length=32,
        description="Addresses and networks that calls of this trunk come from; whoever calls "
        "from there is let in. Default: the host alone.",
    )
    codecs: Codecs | None = Field(
        default=None, description="Its codecs, the best first. Default: the codecs of all."
    )
    agent: AgentName | None = Field(
        default=None,
        description="Agent that answers every number. Default: the agents' extensions decide.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.user is None) != (self.password is None) or (
            self.register_here and self.user is None
        ):
            raise PydanticCustomError(
                "one_of",
                "found half an account; allowed: user and password, or neither and no register",
            )
        _keys_are_hidden(self.transport, self.encryption)
        return self

    @property
    def sip_port(self) -> int:
        """The port, given or not."""
        return self.port or (5061 if self.transport == "tls" else 5060)


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


def _keys_are_hidden(transport: Transport | None, encryption: Encryption) -> None:
    if encryption == "sdes" and transport != "tls":
        raise PydanticCustomError(
            "clash",
            "found encryption sdes with transport {found}, which would show the keys; "
            "allowed: with transport tls",
            {"found": transport or "of the phone's choice"},
        )
