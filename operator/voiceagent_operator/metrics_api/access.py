"""Who may read the metrics: requests that the API server passed on, for users it authorizes.

Every cluster publishes in one ConfigMap how its API server identifies itself: a client certificate
of a CA, with one of the allowed names. Its headers say which user asked. The API server has
authorized the request once before; an extension API server has to ask for itself, because only
that holds for every path by which a request can arrive.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from media_pod.errors import InterjectError
from voiceagent_operator.kube.kinds import CONFIG_MAP, Json
from voiceagent_operator.media_pods import METRIC
from voiceagent_operator.metrics_api.cache import ExpiringCache
from voiceagent_operator.metrics_api.documents import GROUP

CONFIG_PATH: Final = CONFIG_MAP.path("kube-system", "extension-apiserver-authentication")
_USER_HEADERS: Final = ("X-Remote-User",)
_GROUP_HEADERS: Final = ("X-Remote-Group",)


class FrontProxyError(InterjectError):
    """The cluster does not publish how its API server authenticates itself."""


class Headers(Protocol):
    """As much of a request's headers as is needed; names in any case."""

    def getall(self, key: str, default: Sequence[str]) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class ApiUser:
    """The user whom the API server has authenticated."""

    user: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """How the API server authenticates itself."""

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

    def user(self, headers: Headers) -> ApiUser | None:
        """The user in the headers; None without one."""
        users = [user for name in self.user_headers for user in headers.getall(name, ())]
        if not users or not users[0]:
            return None
        groups = [group for name in self.group_headers for group in headers.getall(name, ())]
        return ApiUser(users[0], tuple(groups))


def parse_front_proxy(config_map: Json) -> FrontProxy:
    """From the ConfigMap at `CONFIG_PATH`.

    Raises:
        FrontProxyError: a required key is missing or invalid.
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


REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
REMEMBERED_S: Final = 10.0
"""Lifetime of a decision: an autoscaler asks every 15 s, and a revoked right has to end soon."""
MOST_REMEMBERED: Final = 1024

Asked = tuple[ApiUser, str, str, str]


class ReviewApi(Protocol):
    """As much of `ApiServer` as is needed here."""

    async def create(self, path: str, body: Json) -> Json: ...


class Access:
    """Asks the API server for decisions, and caches them.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, api: ReviewApi, clock: Callable[[], float]) -> None:
        self._api = api
        self._decided: ExpiringCache[Asked, bool] = ExpiringCache(
            REMEMBERED_S, MOST_REMEMBERED, clock
        )

    async def allowed(self, user: ApiUser, version: str, namespace: str, pod: str) -> bool:
        """Whether `user` may read the active calls of a pod.

        Args:
            pod: its name; "*": all of the namespace.

        Raises:
            ApiError: no decision.
        """
        asked = (user, version, namespace, pod)
        decided = self._decided.get(asked)
        if decided is None:
            review = await self._api.create(REVIEWS, _review(*asked))
            decided = review.get("status", {}).get("allowed") is True
            self._decided.put(asked, decided)
        return decided


def _review(user: ApiUser, version: str, namespace: str, pod: str) -> Json:
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user.user,
            "groups": list(user.groups),
            "resourceAttributes": {
                "verb": "get",
                "group": GROUP,
                "version": version,
                "namespace": namespace,
                "resource": "pods",
                "subresource": METRIC,
                "name": pod,
            },
        },
    }
