"""Sources of the serving certificate: files, or the Secret that the leader keeps."""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError, NotFoundError
from voiceagent_operator.kube.kinds import SECRET, Json
from voiceagent_operator.metrics_api.issuing import Serving
from voiceagent_operator.metrics_api.tls import CertificateError, Identity

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
AUTHORITIES: Final = "ca.crt"
_TYPE: Final = "kubernetes.io/tls"
_LABELS: Final[Mapping[str, str]] = {
    "app.kubernetes.io/name": "interject-metrics-api",
    "app.kubernetes.io/part-of": "interject",
    names.MANAGER: names.MANAGED_BY,
}


def is_ours(secret: Json) -> bool:
    """Whether the operator created it, and may write it."""
    labels = secret["metadata"].get("labels") or {}
    return labels.get(names.MANAGER) == names.MANAGED_BY and secret.get("type") == _TYPE


def serving_of(secret: Json) -> Serving:
    """Its contents; empty where something is missing."""
    data = secret.get("data") or {}
    return Serving(
        *(base64.b64decode(data.get(key) or "") for key in (CERTIFICATE, KEY, AUTHORITIES))
    )


def secret_with(serving: Serving, namespace: str, name: str, found: Json | None) -> Json:
    """The Secret as it is to be written.

    Args:
        found: the one that is there, whose version it replaces; None for a new one.
    """
    head = SECRET.head(namespace, name)
    metadata = {**head["metadata"], "labels": dict(_LABELS)} if found is None else found["metadata"]
    parts = {
        CERTIFICATE: serving.certificate,
        KEY: serving.key,
        AUTHORITIES: serving.authorities,
    }
    data = {key: base64.b64encode(pem).decode() for key, pem in parts.items()}
    return {**head, "metadata": metadata, "type": _TYPE, "data": data}


FILES_EVERY_S: Final = 10.0
"""Poll interval of files, which are cheap to read."""
SECRET_EVERY_S: Final = 60.0
"""Poll interval of the Secret, which costs a request."""


class Source(Protocol):
    """Provides the current serving certificate."""

    poll_every_s: float
    """Poll interval for a renewed one."""

    async def read(self) -> Identity:
        """The current serving certificate.

        Raises:
            CertificateError: it is not available.
        """
        ...


class CertificateFiles:
    """Two files, such as those of a mounted Secret of cert-manager's.

    Args:
        certificate, key: PEM.
    """

    poll_every_s = FILES_EVERY_S

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key

    async def read(self) -> Identity:
        try:
            both = [
                await asyncio.to_thread(path.read_bytes) for path in (self._certificate, self._key)
            ]
        except OSError as error:
            raise CertificateError(f"the serving certificate cannot be read: {error}") from error
        return Identity(f"{self._certificate} and {self._key}", *both)


class CertificateSecret:
    """The Secret that the leader keeps.

    Args:
        api: where it is.
        namespace, name: which it is.
    """

    poll_every_s = SECRET_EVERY_S

    def __init__(self, api: ApiServer, namespace: str, name: str) -> None:
        self._api = api
        self._path = SECRET.path(namespace, name)
        self._called = f"Secret {namespace}/{name}"

    async def read(self) -> Identity:
        try:
            serving = serving_of(await self._api.get(self._path))
        except NotFoundError as error:
            raise CertificateError(
                f"{self._called} not found; the leading replica creates it"
            ) from error
        except ApiError as error:
            raise CertificateError(f"{self._called} cannot be read: {error}") from error
        return Identity(self._called, serving.certificate, serving.key)
