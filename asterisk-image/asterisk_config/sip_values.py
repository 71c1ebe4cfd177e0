"""What the values say about SIP and RTP: where Asterisk listens, phones, trunks."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.texts import (
    AccountName,
    AgentName,
    EnvironmentName,
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
Transport = Literal["udp", "tcp"]
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
    codecs: Codecs | None = Field(
        default=None, description="Its codecs, the best first. Default: the codecs of all."
    )

    @model_validator(mode="after")
    def _has_a_number(self) -> Self:
        if self.extension is None and not self.name.isdecimal():
            raise PydanticCustomError(
                "one_of",
                "found {name} without extension; allowed: a name of digits, or an extension",
                {"name": self.name},
            )
        return self

    @property
    def number(self) -> str:
        """The number that reaches it."""
        return self.extension or self.name


class Trunk(StrictModel):
    """A SIP provider or another PBX."""

    name: Name = Field(description="Name of the trunk. No default.")
    host: Host = Field(description="Its host name or IPv4 address. No default.")
    port: Port = Field(default=5060, description="Its SIP port. Default 5060, SIP's own.")
    transport: Transport = Field(
        default="udp", description="Transport to it. Default udp: what providers offer first."
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
    def _account_is_whole(self) -> Self:
        if (self.user is None) != (self.password is None) or (
            self.register_here and self.user is None
        ):
            raise PydanticCustomError(
                "one_of",
                "found half an account; allowed: user and password, or neither and no register",
            )
        return self


class Sip(StrictModel):
    """Where Asterisk listens for SIP."""

    bind_host: Host = Field(
        default="0.0.0.0",
        description="Address to listen on. Default 0.0.0.0, every IPv4 address: phones are "
        "other machines.",
    )
    port: Port = Field(default=5060, description="Port of SIP. Default 5060, SIP's own.")
    transports: Annotated[
        tuple[Transport, ...], Field(strict=False, min_length=1, max_length=2)
    ] = Field(
        default=("udp", "tcp"),
        description="Transports to listen on. Default udp and tcp: large requests need tcp.",
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
