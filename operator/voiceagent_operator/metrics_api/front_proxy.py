"""How the API server is known when it passes a request on, and who it says has asked.

Every cluster publishes this in one ConfigMap. Whoever has a certificate of that CA, with one of the
allowed names in it, is believed about users and groups; nobody else is talked to at all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from media_pod.errors import InterjectError
from voiceagent_operator.kube.kinds import CONFIG_MAP, Json

CONFIG_PATH: Final = CONFIG_MAP.path("kube-system", "extension-apiserver-authentication")
_USER_HEADERS: Final = ("X-Remote-User",)
_GROUP_HEADERS: Final = ("X-Remote-Group",)


class FrontProxyError(InterjectError):
    """The cluster does not say how its API server can be known."""


class Headers(Protocol):
    """As much of a request's headers as is needed; names in any case."""

    def getall(self, key: str, default: Sequence[str]) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the API server has found out."""

    user: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """How the API server is known."""

    ca: str
    """Certificates of its CA, PEM."""
    allowed_names: frozenset[str]
    """Common names that its certificate may have; empty: any."""
    user_headers: tuple[str, ...] = _USER_HEADERS
    group_headers: tuple[str, ...] = _GROUP_HEADERS

    def knows(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a certificate is the API server's.

        Args:
            certificate: one of `ca`, as `ssl.SSLSocket.getpeercert` gives it.
        """
        if not certificate:
            return False
        fields = [field for part in certificate.get("subject", ()) for field in part]
        names = {value for name, value in fields if name == "commonName"}
        return not self.allowed_names or not names.isdisjoint(self.allowed_names)

    def caller(self, headers: Headers) -> Caller | None:
        """Who asks; None if that is not said."""
        users = [user for name in self.user_headers for user in headers.getall(name, ())]
        if not users or not users[0]:
            return None
        groups = [group for name in self.group_headers for group in headers.getall(name, ())]
        return Caller(users[0], tuple(groups))


def parse(config_map: Json) -> FrontProxy:
    """From the ConfigMap at `CONFIG_PATH`.

    Raises:
        FrontProxyError: it lacks what is needed, or is not understood.
    """
    data = config_map.get("data") or {}
    ca = data.get("requestheader-client-ca-file")
    if not ca:
        raise FrontProxyError(
            f"{CONFIG_PATH}: found no requestheader-client-ca-file; the API server has to run with "
            "--requestheader-client-ca-file to pass requests on"
        )
    return FrontProxy(
        ca,
        frozenset(_names(data, "requestheader-allowed-names")),
        tuple(_names(data, "requestheader-username-headers")) or _USER_HEADERS,
        tuple(_names(data, "requestheader-group-headers")) or _GROUP_HEADERS,
    )


def _names(data: Json, key: str) -> list[str]:
    try:
        names = json.loads(data.get(key) or "[]")
    except ValueError as error:
        raise FrontProxyError(f"{CONFIG_PATH}: {key}: {error}") from error
    match names:
        case [*each] if all(isinstance(name, str) for name in each):
            return each
    raise FrontProxyError(f"{CONFIG_PATH}: {key}: read {names!r:.100}, expected a list of names")
