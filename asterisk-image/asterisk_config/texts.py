"""String types for Asterisk's configuration files.

Each type only allows characters without a special meaning to the configuration parser and the
dialplan, so that no value can inject a line, section, argument or variable. Passwords are the
exception: they can have any printable ASCII character, and `conf` escapes them.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from media_pod.manifest.validation import Allowed


def _port_in_range(address: str) -> str:
    port = address.rpartition(":")[2]
    if not 1 <= int(port) <= 65535:
        raise PydanticCustomError(
            "clash", "found port {port}; allowed: a port from 1 to 65535", {"port": port}
        )
    return address


HostPort = Annotated[
    str,
    Field(
        pattern=r"^([0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?|\[[0-9a-fA-F:.]{2,45}\])"
        r":[0-9]{1,5}$"
    ),
    AfterValidator(_port_in_range),
    Allowed("HOST:PORT, such as 10.0.0.5:1650, an IPv6 address in brackets"),
]
Host = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?$"),
    Allowed("a host name or an IPv4 address"),
]
OptionalHost = Annotated[
    str,
    Field(pattern=r"^([0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?)?$"),
    Allowed("a host name or an IPv4 address, or empty"),
]
Network = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}(/([0-9]|[12][0-9]|3[0-2]))?$"),
    Allowed("an IPv4 address or network, such as 192.168.0.0/16"),
]
HostOrNetwork = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?(/([0-9]|[12][0-9]|3[0-2]))?$"),
    Allowed("a host name, an IPv4 address or a network, such as 192.0.2.0/24"),
]
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$"),
    Allowed("a-z, 0-9 and, except at the ends, -; at most 40 characters"),
]
LONGEST_AGENT_NAME = 69
"""Characters: with the prefix `interject-`, the context name has the maximum of 79 characters."""
AgentName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([-_a-z0-9]{0,67}[a-z0-9])?$"),
    Allowed(f"a-z, 0-9 and, except at the ends, - or _; at most {LONGEST_AGENT_NAME} characters"),
]
UserName = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,39}$"),
    Allowed("letters, digits and, except at the start, _, . and -; at most 40 characters"),
]
AccountName = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z+][0-9A-Za-z_.+-]{0,79}$"),
    Allowed("letters, digits and _.+-, at most 80 characters"),
]
Number = Annotated[
    str,
    Field(pattern=r"^[0-9+*#][0-9*#]{0,31}$"),
    Allowed("digits, * and #, with an optional + at the start; at most 32 characters"),
]
SoundName = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]*(/[0-9A-Za-z_-]+){0,4}$", max_length=120),
    Allowed("the name of a sound file without its extension, such as vm-goodbye or custom/closed"),
]
FilePath = Annotated[
    str,
    Field(pattern=r"^/[!-:<-~]{1,1023}$"),
    Allowed("an absolute path without spaces and semicolons, such as /etc/interject/tls/tls.crt"),
]
EnvironmentName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][0-9A-Za-z_]{0,79}$"),
    Allowed("a name of an environment variable"),
]


def printable(secret: str) -> str:
    """Return `secret` if it is valid in Asterisk's configuration. The message never contains it.

    Raises:
        PydanticCustomError: empty, too long, or with spaces or non-printable characters.
    """
    if not 1 <= len(secret) <= 128 or not all("!" <= sign <= "~" for sign in secret):
        raise PydanticCustomError(
            "clash",
            "found an invalid password of {length} characters; "
            "allowed: 1 to 128 printable ASCII characters without spaces",
            {"length": len(secret)},
        )
    return secret


PasswordText = Annotated[str, AfterValidator(printable)]
