"""The values: pods from the API server, and active calls from the pods themselves.

A pod that is not ready, terminates or does not answer is left out instead of counted as 0: an
autoscaler treats missing pods conservatively, and would take a 0 as it is.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from media_pod.listening import host_port
from voiceagent_operator.agents.names import AGENT
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import POD, Json
from voiceagent_operator.media_pods import Ask, is_ready
from voiceagent_operator.metrics_api.cache import ExpiringCache
from voiceagent_operator.metrics_api.documents import Value

MOST_PODS: Final = 1000
"""Pods per question; as many as one VoiceAgent may have."""
PAGE: Final = 100
"""Pods per answer of the API server: about 1 MB."""
FRESH_S: Final = 1.0
"""Lifetime of a pod's answer, so that several autoscalers cause one request."""
HTTP_PORT: Final = "http"
"""Name of the port of a media pod with its metrics."""


_logger = logging.getLogger(__name__)


class PodApi(Protocol):
    """As much of `ApiServer` as is needed here."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json: ...


class PodMetricValues:
    """Asks pods how many calls they have.

    Args:
        ask: see `Ask`.
        clock: monotonic time in seconds.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        api: PodApi,
        ask: Ask,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._ask = ask
        self._now = now
        self._cache: ExpiringCache[str, tuple[int | None, datetime]] = ExpiringCache(
            FRESH_S, MOST_PODS, clock
        )

    async def of_all(self, namespace: str, selector: str) -> list[Value]:
        """Of the media pods in `namespace` that `selector` chooses; "": of all.

        Raises:
            ApiError: the pods cannot be listed; 400 if `selector` is none.
        """
        pods = [pod async for pod in self._pods(namespace, selector)]
        return await self._values(namespace, pods)

    async def of_one(self, namespace: str, name: str) -> Value | None:
        """Of one media pod; None if it does not exist or its calls are unknown.

        Raises:
            ApiError: the pod cannot be read.
        """
        try:
            pod = await self._api.get(POD.path(namespace, name))
        except NotFoundError:
            return None
        if AGENT not in pod["metadata"].get("labels", {}):
            return None
        values = await self._values(namespace, [(name, address_of(pod))])
        return values[0] if values else None

    async def _pods(self, namespace: str, selector: str) -> AsyncIterator[tuple[str, str | None]]:
        params = {"labelSelector": f"{AGENT},{selector}" if selector else AGENT}
        params["limit"] = str(PAGE)
        for _ in range(0, MOST_PODS, PAGE):
            page = await self._api.get(POD.path(namespace), params)
            for pod in page["items"] or ():
                yield pod["metadata"]["name"], address_of(pod)
            if not (token := page["metadata"].get("continue")):
                return
            params["continue"] = token
        _logger.warning("more than %d pods in %s; the rest is left out", MOST_PODS, namespace)

    async def _values(self, namespace: str, pods: Iterable[tuple[str, str | None]]) -> list[Value]:
        addresses = {name: address for name, address in pods if address}
        answers = {address: self._cache.get(address) for address in addresses.values()}
        unknown = [address for address, answer in answers.items() if answer is None]
        for address, calls in (await self._ask(unknown)).items():
            answers[address] = (calls, self._now())
            self._cache.put(address, (calls, self._now()))
        by_name = {name: answers[address] for name, address in addresses.items()}
        return [
            Value(namespace, name, answer[0], answer[1])
            for name, answer in by_name.items()
            if answer is not None and answer[0] is not None
        ]


def address_of(pod: Json) -> str | None:
    """host:port of a pod's metrics; None if it is not ready or terminates."""
    status = pod.get("status", {})
    ports = [
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("name") == HTTP_PORT
    ]
    host = status.get("podIP")
    if not is_ready(pod) or not host or not ports:
        return None
    return host_port(host, ports[0])
