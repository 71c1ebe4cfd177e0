"""Settings of the tools that a language model may call, selected by kind."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.providers import SecretPlace
from media_pod.manifest.rules import Rule, absolute_in_cluster, in_cluster
from media_pod.manifest.types import DnsLabel, EachOnce, FilePath, ServerUrl, ToolName
from media_pod.manifest.validation import Allowed, Hidden, StrictModel

_Filler = Annotated[str, Field(max_length=500)]
_ONE_VALUE: Final = "exactly one of value and valueFrom"
_CREDENTIAL: Final = "authorization|cookie|secret|passw|(api|access|private)[-_]?key$|token$"
"""In lower-case names of headers and variables whose values are credentials."""
_NO_CREDENTIAL: Final = "valueFrom for credentials, because a document holds no secret"
_HOST_WITH_ARGUMENT: Final = "^https?://[^/?#]*[{]"
_FIXED_HOST: Final = "a url without an argument in its host, or a list allowedHosts"


class HeaderSettings(StrictModel):
    """An HTTP header or an environment variable: a fixed value, or one from a Secret."""

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", max_length=100),
        Allowed("letters, digits, - and _"),
    ] = Field(description="Name.")
    value: Annotated[str, Field(max_length=4096), Hidden()] | None = Field(
        default=None, description="The value. Exactly one of value and valueFrom."
    )
    value_from: SecretPlace | None = Field(
        default=None,
        description="Where the secret value comes from. Exactly one of value and valueFrom.",
    )

    model_config = in_cluster(
        Rule(
            "has(self.value) != has(self.valueFrom)",
            found="{has(self.value) ? 'value and valueFrom' : 'neither'}",
            allowed=_ONE_VALUE,
        ),
        Rule(
            f"!has(self.value) || !self.name.lowerAscii().matches('{_CREDENTIAL}')",
            found="the value of {self.name}",
            allowed=_NO_CREDENTIAL,
            field=".value",
            reason="FieldValueForbidden",
        ),
    )

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if (self.value is None) == (self.value_from is None):
            found = "neither" if self.value is None else "value and valueFrom"
            raise PydanticCustomError(
                "one_of", "found {found}; allowed: " + _ONE_VALUE, {"found": found}
            )
        if self.value is not None and re.search(_CREDENTIAL, self.name.lower()):
            raise PydanticCustomError(
                "clash",
                "found the value of {name}; allowed: " + _NO_CREDENTIAL,
                {"name": self.name},
            )
        return self


Headers = Annotated[
    tuple[HeaderSettings, ...],
    Field(strict=False, min_length=0, max_length=20),
    EachOnce(by="name"),
]


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
    headers: Headers = Field(default=(), description="Headers of the request. Default none.")
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

    model_config = in_cluster(
        Rule(
            f"!has(self.url) || !self.url.matches('{_HOST_WITH_ARGUMENT}')"
            " || (has(self.allowedHosts) && self.allowedHosts.size() > 0)",
            found="an argument in the host of {self.url}",
            allowed=_FIXED_HOST,
            field=".url",
        )
    )

    @model_validator(mode="after")
    def _host_is_known(self) -> Self:
        if re.match(_HOST_WITH_ARGUMENT, self.url) and not self.allowed_hosts:
            raise PydanticCustomError(
                "clash",
                "found an argument in the host of {url}; allowed: {allowed}",
                {"url": self.url, "allowed": _FIXED_HOST},
            )
        return self


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
    headers: Headers = Field(
        default=(),
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
    music: FilePath | None = Field(
        default=None,
        description="WAV file, relative to this document; absolute in a cluster. Default none: a "
        "soft tone every few seconds.",
    )
    max_seconds: int = Field(
        default=60, ge=1, le=600, description="Longest hold, in seconds. Default 60."
    )

    model_config = in_cluster(absolute_in_cluster("music"))


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


CALL_TOOLS: Final = ("transfer", "hangUp", "collectDigits", "sendDigits", "hold")
"""Kinds that act on the call itself; each at most once."""
CALL_TOOL_NAMES: Final = ("transfer", "hang_up", "collect_digits", "send_digits", "hold")
"""Names by which the model calls those kinds; no other tool has one of them."""
ONCE_PER_KIND: Final = f"each of {', '.join(CALL_TOOLS)} once"
UNIQUE_NAMES: Final = f"each name once, none of {', '.join(CALL_TOOL_NAMES)}"


def tools_checked(tools: tuple[ToolSettings, ...]) -> tuple[ToolSettings, ...]:
    """`tools`, whose names and kinds have been checked. Raises PydanticCustomError."""
    names = [tool.name for tool in tools if isinstance(tool, HttpToolSettings | McpToolSettings)]
    for name in names:
        if name in CALL_TOOL_NAMES or names.count(name) > 1:
            raise PydanticCustomError(
                "clash",
                "found the name {name}; allowed: " + UNIQUE_NAMES,
                {"name": name},
            )
    kinds = [tool.kind for tool in tools]
    for kind in CALL_TOOLS:
        if kinds.count(kind) > 1:
            raise PydanticCustomError(
                "clash", "found kind {kind} twice; allowed: " + ONCE_PER_KIND, {"kind": kind}
            )
    return tools


Tools = Annotated[
    tuple[ToolSettings, ...],
    Field(strict=False, min_length=0, max_length=64),
    AfterValidator(tools_checked),
]


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
