"""Where a replica has its serving certificate from: files that others keep, or the own Secret."""

import asyncio
from pathlib import Path
from typing import Final, Protocol

from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError, NotFoundError
from voiceagent_operator.kube.kinds import SECRET
from voiceagent_operator.metrics_api.secret import serving_of
from voiceagent_operator.metrics_api.tls import CertificateError, Identity

FILES_EVERY_S: Final = 10.0
"""Between two looks at files: they cost nothing."""
SECRET_EVERY_S: Final = 60.0
"""Between two looks at the Secret, of which the API server has to be asked."""


class Source(Protocol):
    """Has the serving certificate, as it is now."""

    look_every_s: float
    """How often to look for another one."""

    async def read(self) -> Identity:
        """As it is now.

        Raises:
            CertificateError: it cannot be had.
        """
        ...


class CertificateFiles:
    """Two files, such as those of a mounted Secret of cert-manager's.

    Args:
        certificate, key: PEM.
    """

    look_every_s = FILES_EVERY_S

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

    look_every_s = SECRET_EVERY_S

    def __init__(self, api: ApiServer, namespace: str, name: str) -> None:
        self._api = api
        self._path = SECRET.path(namespace, name)
        self._called = f"Secret {namespace}/{name}"

    async def read(self) -> Identity:
        try:
            serving = serving_of(await self._api.get(self._path))
        except NotFoundError as error:
            raise CertificateError(
                f"{self._called} is not there; the leading replica makes it"
            ) from error
        except ApiError as error:
            raise CertificateError(f"{self._called} cannot be read: {error}") from error
        return Identity(self._called, serving.certificate, serving.key)
