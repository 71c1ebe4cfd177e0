"""Settings of the tools that a language model may call, selected by kind."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.providers import SecretSource
from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.types import DnsLabel, EachOnce, ServerUrl, ToolName
from media_pod.manifest.validation import Allowed, StrictModel

_Filler = Annotated[str, Field(max_length=500)]
_ONE_VALUE = "exactly one of value and valueFrom"


class HeaderSettings(StrictModel):
    """An HTTP header or an environment variable: a fixed value, or one from a Secret."""

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", max_length=100),
        Allowed("letters, digits, - and _"),
    ] = Field(description="Name.")
    value: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="The value. Exactly one of value and valueFrom."
    )
    value_from: SecretSource | None = Field(
        default=None,
        description="Where the secret value comes from. Exactly one of value and valueFrom.",
    )

    model_config = in_cluster(
        Rule(
            "has(self.value) != has(self.valueFrom)",
            found="{has(self.value) ? 'value and valueFrom' : 'neither'}",
            allowed=_ONE_VALUE,
        )
    )

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if (self.value is None) == (self.value_from is None):
            found = "neither" if self.value is None else "value and valueFrom"
            raise PydanticCustomError(
                "one_of", "found {found}; allowed: " + _ONE_VALUE, {"found": found}
            )
        return self


class HttpToolSettings(StrictModel):
    """An HTTP request."""

    kind: Literal["http"] = Field(description="An HTTP request to a server of yours.")
    name: ToolName = Field(description="Name by which the model calls it; unique in the list.")
    description: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        description="What it does and when to use it, for the model."
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST",
        description="HTTP method. GET and DELETE send the arguments that the URL does not use as "
        "its query, the others as a JSON body. Default POST.",
    )
    url: ServerUrl = Field(
        description="URL. {name} stands for the argument of that name, percent-encoded."
    )
    parameters: dict[str, Any] = Field(
        default={"type": "object", "properties": {}},
        description="JSON schema of the arguments, an object. Default: no arguments.",
    )
    headers: tuple[HeaderSettings, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=20,
        description="Headers of the request. Default none.",
    )
    allowed_hosts: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,253}$", max_length=253)], ...],
        Field(strict=False, min_length=0, max_length=20),
        EachOnce(),
    ] = Field(
        default=(),
        description="Hosts that the request may reach, redirects included. Default none: the host "
        "in url, which then contains no argument.",
    )
    timeout_seconds: float = Field(
        default=10.0,
        ge=0.1,
        le=120,
        description="Timeout of the request, in seconds. Default 10.",
    )
    filler: _Filler = Field(
        default="One moment, please.",
        description="Sentence for a caller who waits for the result. Empty: none.",
    )


class McpToolSettings(StrictModel):
    """The tools of an MCP server."""

    kind: Literal["mcp"] = Field(
        description="The tools of a server of the Model Context Protocol, by URL or as a process."
    )
    name: ToolName = Field(description="Name of the server here; unique in the list.")
    url: ServerUrl | None = Field(
        default=None,
        description="URL of a streamable HTTP server. Exactly one of url and command.",
    )
    command: tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...] | None = Field(
        default=None,
        strict=False,
        min_length=1,
        max_length=50,
        description="Program and arguments of a stdio server, started with the pod. Exactly one of "
        "url and command.",
    )
    headers: tuple[HeaderSettings, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=20,
        description="Headers of requests to url; environment variables of command. Default none.",
    )
    allowed_tools: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
        Field(strict=False, min_length=0, max_length=100),
        EachOnce(),
    ] = Field(
        default=(),
        description="Names of the server's tools that the model may call. Default none: all.",
    )
    timeout_seconds: float = Field(
        default=10.0,
        ge=0.1,
        le=120,
        description="Timeout of one tool call, in seconds. Default 10.",
    )
    filler: _Filler = Field(
        default="One moment, please.",
        description="Sentence for a caller who waits for a result. Empty: none.",
    )

    model_config = in_cluster(
        Rule(
            "has(self.url) != has(self.command)",
            found="{has(self.url) ? 'url and command' : 'neither'}",
            allowed="exactly one of url and command",
        )
    )

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.url is None) == (self.command is None):
            found = "neither" if self.url is None else "url and command"
            raise PydanticCustomError(
                "one_of", "found {found}; allowed: exactly one of url and command", {"found": found}
            )
        return self


class TransferToolSettings(StrictModel):
    """Transfers the caller to one of the listed places."""

    kind: Literal["transfer"] = Field(description="Transfers the caller; the agent's part ends.")
    places: Annotated[
        tuple[DnsLabel, ...], Field(strict=False, min_length=1, max_length=32), EachOnce()
    ] = Field(description="Names of transfers in telephony.transfers that the model may choose.")
    when: Annotated[str, Field(max_length=2000)] = Field(
        default="",
        description="When to transfer to which place, for the model. Default empty: the "
        "instructions say it.",
    )


class HangUpToolSettings(StrictModel):
    """Ends the call after the goodbye."""

    kind: Literal["hangUp"] = Field(description="Ends the call once the goodbye has been played.")


class CollectDigitsToolSettings(StrictModel):
    """Collects a number by keys or by voice."""

    kind: Literal["collectDigits"] = Field(
        description="Waits for a number of so many digits, keyed or spoken."
    )


class SendDigitsToolSettings(StrictModel):
    """Sends DTMF digits."""

    kind: Literal["sendDigits"] = Field(
        description="Plays DTMF tones to the other side, for example to a menu."
    )


class HoldToolSettings(StrictModel):
    """Keeps the caller waiting with music."""

    kind: Literal["hold"] = Field(description="Plays music until the caller speaks, or time is up.")
    music: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="WAV file, relative to this document; absolute in a cluster. Default none: a "
        "soft tone every few seconds.",
    )
    max_seconds: int = Field(
        default=60, ge=1, le=600, description="Longest hold, in seconds. Default 60."
    )


ToolSettings = Annotated[
    HttpToolSettings
    | McpToolSettings
    | TransferToolSettings
    | HangUpToolSettings
    | CollectDigitsToolSettings
    | SendDigitsToolSettings
    | HoldToolSettings,
    Field(discriminator="kind"),
]


CALL_TOOLS = ("transfer", "hangUp", "collectDigits", "sendDigits", "hold")
"""Kinds that act on the call itself; each at most once."""


def places_used(tools: tuple[ToolSettings, ...]) -> list[str]:
    """Names of the transfers that `tools` refer to."""
    return [
        place for tool in tools if isinstance(tool, TransferToolSettings) for place in tool.places
    ]


def longest_tool_seconds(tools: tuple[ToolSettings, ...]) -> float:
    """The longest timeout of `tools`, in seconds; 0 without any that has one."""
    timeouts = [
        tool.timeout_seconds
        for tool in tools
        if isinstance(tool, HttpToolSettings | McpToolSettings)
    ]
    return max(timeouts, default=0.0)
