"""The texts and numbers that a VoiceAgent's settings share."""

from typing import Annotated

from pydantic import Field

from media_pod.problems import Allowed

DnsLabel = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
    Allowed("a DNS label: a-z, 0-9 and - inside, at most 63 characters"),
]
SpokenText = Annotated[
    str,
    Field(pattern=r"\S", max_length=5000),
    Allowed("text to speak, at most 5000 characters, not blank"),
]
VoiceName = Annotated[
    str,
    Field(pattern=r"^[a-z]{2,8}(-[A-Za-z0-9]+)*(\+[A-Za-z0-9_-]+)?$", max_length=64),
    Allowed("the name of an espeak-ng voice, such as en-us or en-gb+f2"),
]
HostName = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z.-]*$", max_length=253),
    Allowed("a host name or an IPv4 address (the dialplan takes no other characters), or empty"),
]
OtlpUrl = Annotated[
    str,
    Field(pattern=r"^(https?://[^\s/]+\S*)?$", max_length=2000),
    Allowed("a URL that begins with http:// or https://, or empty"),
]
PeerAddress = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z.-]{1,253}:[1-9][0-9]{0,4}$"),
    Allowed("host:port of another pod's HTTP API, its host a name or an IPv4 address"),
]
DialplanPlace = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z_-]{1,79},[0-9A-Za-z_+*#-]{1,79},[0-9A-Za-z_-]{1,79}$"),
    Allowed("a place in Asterisk's dialplan, context,extension,priority, such as phones,200,1"),
]
Port = Annotated[int, Field(ge=0, le=65535)]
