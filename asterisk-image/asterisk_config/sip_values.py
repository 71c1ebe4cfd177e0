"""What the values say about who calls by SIP: phones and trunks."""

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
    Number,
    PasswordText,
    UserName,
)
from media_pod.manifest.validation import StrictModel

Codec = Literal["ulaw", "alaw", "g722"]
Codecs = Annotated[tuple[Codec, ...], Field(strict=False, min_length=1, max_length=3)]
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


def _keys_are_hidden(transport: Transport | None, encryption: Encryption) -> None:
    if encryption == "sdes" and transport != "tls":
        raise PydanticCustomError(
            "clash",
            "found encryption sdes with transport {found}, which would show the keys; "
            "allowed: with transport tls",
            {"found": transport or "of the phone's choice"},
        )
