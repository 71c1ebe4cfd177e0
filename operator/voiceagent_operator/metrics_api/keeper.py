"""Issues and renews the metrics API's certificate: the Secret that replicas read, and the CA in the
APIServices. Run by the leader; each check repairs whatever has changed since the last one.

Trust comes first: a CA is written to the APIServices before any replica can serve a certificate of
it, so every replica is trusted throughout a renewal. A leader that ends in between leaves an unused
CA behind; the next leader starts over.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from voiceagent_operator.kube.errors import ApiError, ConflictError, NotFoundError
from voiceagent_operator.kube.kinds import API_SERVICE, SECRET, Json, Kind
from voiceagent_operator.metrics_api.certificates import is_ours, secret_with, serving_of
from voiceagent_operator.metrics_api.documents import API_SERVICES
from voiceagent_operator.metrics_api.issuing import issue, trusted_authorities, why_due
from voiceagent_operator.telemetry.logs_and_traces import WarnOnce

CHECK_EVERY_S: Final = 60.0
"""Three small requests a minute; bounds how long the API is down after an edit by hand."""
RETRY_AFTER_S: Final = 5.0
"""After a failed check, or a conflict with another client."""
TRUST_SETTLES_S: Final = 10.0
"""Between a new CA's becoming known and its certificate's: API servers learn of it by a watch,
within a second if they are well."""

_logger = logging.getLogger(__name__)


class KeeperApi(Protocol):
    """As much of `ApiServer` as is needed."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json: ...
    async def create(self, path: str, body: Json) -> Json: ...
    async def replace(self, path: str, body: Json) -> Json: ...
    async def merge(self, path: str, patch: Json) -> Json: ...


class CertificateKeeper:
    """Issues the certificate, renews it, and has the API server trust it.

    Args:
        api: where all of it is.
        namespace: of both of the following.
        secret: where the certificate is.
        service: by whose names the API server asks for it.
        available: takes the name of each APIService, and whether it reaches our Service.
        now: the time, with its zone.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        api: KeeperApi,
        namespace: str,
        secret: str,
        service: str,
        *,
        available: Callable[[str, bool], None] = lambda name, available: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._secret = secret
        self._service = service
        host = f"{service}.{namespace}.svc"
        self._names = (host, f"{host}.cluster.local")
        self._available = available
        self._now = now
        self._sleep = sleep
        self._warnings = WarnOnce(_logger, "metrics API")

    async def run(self) -> None:
        """Check at an interval until cancelled."""
        while True:
            try:
                await self.check()
            except ConflictError as error:
                _logger.debug("metrics API: %s", error)
                wait_s = RETRY_AFTER_S
            except ApiError as error:
                self._warnings.warn("check", f"certificate not checked, will retry: {error}")
                wait_s = RETRY_AFTER_S
            else:
                self._warnings.clear("check")
                wait_s = CHECK_EVERY_S
            await self._sleep(wait_s)

    async def check(self) -> None:
        """Repair whatever differs.

        Raises:
            ConflictError: another client was faster; retry.
            ApiError: a request failed.
        """
        secret = await self._find(SECRET, self._namespace, self._secret)
        if secret is not None and not is_ours(secret):
            self._warnings.warn(
                "secret",
                f"Secret {self._namespace}/{self._secret} was not created by the operator and is "
                "not modified; delete it, or choose another --metrics-api-secret",
            )
            return
        self._warnings.clear("secret")
        services = [service async for service in self._services()]
        serving = None if secret is None else serving_of(secret)
        due = why_due(serving, self._names, self._now())
        if serving is not None and due is None:
            await self._trust(services, trusted_authorities(serving, self._now()))
        else:
            await self._renew(secret, services, due or "")

    async def _renew(self, secret: Json | None, services: Sequence[Json], due: str) -> None:
        # What is trusted now, whatever became of the Secret: replicas still serve it.
        before = list(filter(None, map(_bundle, services)))
        new = issue(self._names, self._now(), before)
        await self._trust(services, new.authorities)
        if before:
            await self._sleep(TRUST_SETTLES_S)
        body = secret_with(new, self._namespace, self._secret, secret)
        if secret is None:
            await self._api.create(SECRET.path(self._namespace), body)
        else:
            await self._api.replace(SECRET.path(self._namespace, self._secret), body)
        _logger.info(
            "metrics API: certificate issued in Secret %s/%s, because %s",
            *(self._namespace, self._secret, due),
        )

    async def _services(self) -> AsyncIterator[Json]:
        """The APIServices that point at our Service."""
        for name in API_SERVICES:
            found = await self._find(API_SERVICE, None, name)
            self._available(name, found is not None and self._reaches_us(found))
            if found is None:
                self._warnings.warn(
                    name, f"APIService {name} not found: the API server does not forward requests"
                )
            elif (place := _place(found)) != (self._namespace, self._service):
                self._warnings.warn(
                    name,
                    f"APIService {name} points to {'/'.join(place)} instead of "
                    f"{self._namespace}/{self._service} and is not modified: a cluster has one "
                    "custom metrics API; remove the other adapter, or use metricSource "
                    "prometheus-adapter or keda",
                )
            else:
                self._warnings.clear(name)
                yield found

    def _reaches_us(self, api_service: Json) -> bool:
        conditions = api_service.get("status", {}).get("conditions", [])
        available = any(
            each["type"] == "Available" and each["status"] == "True" for each in conditions
        )
        return available and _place(api_service) == (self._namespace, self._service)

    async def _trust(self, services: Sequence[Json], authorities: bytes) -> None:
        """Write these CAs, and no others, into the APIServices."""
        text = base64.b64encode(authorities).decode()
        for service in services:
            spec = service["spec"]
            if spec.get("caBundle") == text and not spec.get("insecureSkipTLSVerify"):
                continue
            head = service["metadata"]
            patch = {
                # For this version alone: the next one may point to another Service.
                "metadata": {"resourceVersion": head["resourceVersion"]},
                "spec": {"caBundle": text, "insecureSkipTLSVerify": None},
            }
            await self._api.merge(API_SERVICE.path(None, head["name"]), patch)
            _logger.info("metrics API: caBundle of APIService %s written", head["name"])

    async def _find(self, kind: Kind, namespace: str | None, name: str) -> Json | None:
        try:
            return await self._api.get(kind.path(namespace, name))
        except NotFoundError:
            return None


def _place(api_service: Json) -> tuple[str, str]:
    """Namespace and name of the Service that it points at."""
    service = api_service["spec"].get("service") or {}
    return service.get("namespace", ""), service.get("name", "")


def _bundle(api_service: Json) -> bytes:
    """The CAs that it trusts, PEM; empty if they cannot be read."""
    try:
        return base64.b64decode(api_service["spec"].get("caBundle") or "")
    except binascii.Error:
        return b""
