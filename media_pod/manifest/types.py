"""Annotated string and number types that several settings share."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from media_pod.manifest.validation import Allowed


@dataclass(frozen=True, slots=True)
class EachOnce:
    """Marks a list whose items must be unique, for pydantic and for the API server.

    With the list type that this sets, the API server rejects duplicates, and server-side apply
    merges the items of several field managers.
    """

    by: str = ""
    """The field that identifies an item; empty: the item itself, which must be hashable."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if self.by:
            kind = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.by]}
        else:
            kind = {"x-kubernetes-list-type": "set"}
        return handler(schema) | kind

    def _checked(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        seen: set[Hashable] = set()
        for item in items:
            key = getattr(item, self.by) if self.by else item
            if key in seen:
                raise PydanticCustomError(
                    "clash",
                    "found {key} twice; allowed: each {noun} once",
                    {"key": key, "noun": self.by or "item"},
                )
            seen.add(key)
        return items


AGENT_NAME_PATTERN = r"^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$"
"""52 of the 63 characters of a Service name, which leaves 11 for suffixes."""
AGENT_NAME_WORDS = "a DNS label: a-z first, a-z, 0-9 and - inside, at most 52 characters"

AgentName = Annotated[
    str,
    Field(pattern=AGENT_NAME_PATTERN, max_length=52),
    Allowed(AGENT_NAME_WORDS),
]
DnsLabel = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63),
    Allowed("a DNS label: a-z, 0-9 and - inside, at most 63 characters"),
]
SpokenText = Annotated[
    str,
    # Not \S, which differs between engines: the API server's \s matches ASCII spaces only
    Field(pattern=r"[^\s\x0b\x85\p{Z}]", max_length=5000),
    Allowed("text to speak, at most 5000 characters, not blank"),
]
LanguageTag = Annotated[
    str,
    Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$", max_length=30),
    Allowed("a language tag (BCP 47), such as en-US or de"),
]
ModelName = Annotated[
    str,
    Field(pattern=r"^[!-~]([ -~]{0,198}[!-~])?$", max_length=200),
    Allowed("a name of at most 200 printable ASCII characters"),
]
FilePath = Annotated[str, Field(min_length=1, max_length=4096)]
ServerAddress = Annotated[
    str,
    Field(
        pattern=r"^([0-9A-Za-z.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):[1-9][0-9]{0,4}$", max_length=259
    ),
    Allowed("host:port, an IPv6 address in brackets"),
]
ServerUrl = Annotated[
    str,
    # No @ before the path: a document holds no password
    Field(pattern=r'^https?://[!-"$-.0->A-~]+([/?#][!-~]*)?$', max_length=2000),
    Allowed("a URL that begins with http:// or https://, without a user and a password"),
]
ToolName = Annotated[
    str,
    Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,63}$", max_length=64),
    Allowed("a letter, then letters, digits, _ and -, at most 64 characters"),
]
Template = Annotated[
    str,
    Field(min_length=1, max_length=20_000),
    Allowed("text with {{ variables }}, 1 to 20000 characters"),
]
HostName = Annotated[
    str,
    Field(pattern=r"^([0-9A-Za-z.-]*|[0-9a-fA-F:.]{2,45})$", max_length=253),
    Allowed("a host name, an IPv4 address or an IPv6 address without brackets, or empty"),
]
PeerAddress = Annotated[
    str,
    Field(
        pattern=r"^([0-9A-Za-z.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):[1-9][0-9]{0,4}$", max_length=259
    ),
    Allowed("host:port of another pod's HTTP API, an IPv6 address in brackets"),
]
DialplanPlace = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][0-9A-Za-z_-]{0,63},[0-9A-Za-z+*#_-]{1,40},[0-9]{1,3}$", max_length=109
    ),
    Allowed("context,extension,priority, such as interject-phones,601,1"),
]
HttpUrl = Annotated[
    str,
    Field(pattern=r"^(https?://[!-.0-~][!-~]*)?$", max_length=2000),
    Allowed("a URL that begins with http:// or https://, or empty"),
]
Cidr = Annotated[
    str,
    # What is left to be wrong in an IPv6 address, the API server refuses in the NetworkPolicy.
    Field(
        pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}/([0-9]|[12][0-9]|3[0-2])"
        r"|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))$",
        max_length=43,
    ),
    Allowed("an IPv4 or IPv6 network, such as 192.168.0.0/16, 192.0.2.7/32 or 2001:db8::/32"),
]
ImageName = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z./:@_-]*$", max_length=500),
    Allowed("the name of a container image, such as registry.example.com/interject:1.2, or empty"),
]
NumberOrPattern = Annotated[
    str,
    Field(
        pattern=r"^([0-9+*#][0-9*#]{0,31}|_([0-9+*#XZN]|\[[0-9-]{1,20}\]){1,32}[.!]?)$",
        max_length=706,
    ),
    Allowed("digits, or an Asterisk pattern that begins with _, such as _3069X. or 100"),
]
Port = Annotated[int, Field(ge=0, le=65535)]
