"""Media pods: which of them run, what the operator writes on them, and how many calls they have.

The number of calls is `interject_active_calls` of a pod's metrics page: its occupied slots,
including reservations for callers whose audio has not arrived yet.
"""

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

from media_pod.listening import host_port
from media_pod.manifest.cluster import Eviction
from voiceagent_operator.agents import names
from voiceagent_operator.kube.kinds import Json

Annotations = Mapping[str, str | None]
"""Annotations of a pod by their keys; None for those that it has not."""

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, int | None]]]
"""Returns active calls by host:port; None for pods that do not answer."""


@dataclass(frozen=True, slots=True)
class MediaPod:
    """One running pod."""

    name: str
    address: str
    """host:port of its HTTP API."""
    ready: bool
    """Whether it takes new calls: it neither loads nor drains."""
    annotations: tuple[tuple[str, str | None], ...]
    """Those that the operator writes, as they are."""

    def differs(self, wanted: Annotations) -> bool:
        """Whether any of its annotations differs from `wanted`."""
        there = dict(self.annotations)
        return any(there.get(key) != value for key, value in wanted.items())


_OURS = (names.MANIFEST_SEEN, names.DELETION_COST, names.SAFE_TO_EVICT, names.DO_NOT_DISRUPT)


def running(pods: Sequence[Json], http_port: int) -> list[MediaPod]:
    """Pods with an address, terminating ones included: they still have calls."""
    return [
        MediaPod(
            pod["metadata"]["name"],
            host_port(pod["status"]["podIP"], http_port),
            is_ready(pod),
            tuple((key, pod["metadata"].get("annotations", {}).get(key)) for key in _OURS),
        )
        for pod in pods
        if pod["status"].get("podIP") and pod["status"].get("phase") == "Running"
    ]


def is_ready(pod: Json) -> bool:
    """Whether a pod is Ready and does not terminate."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return "deletionTimestamp" not in pod["metadata"] and any(
        (each["type"], each["status"]) == ("Ready", "True") for each in conditions
    )


def annotations_for(calls: int, eviction: Eviction) -> Annotations:
    """Deletion cost for scale-down, and whether a node autoscaler may evict the pod.

    The Cluster Autoscaler needs a "true": without it, it leaves every pod with an emptyDir alone.
    Karpenter reads "true" alone.
    """
    stays = eviction == "never" or (eviction == "afterCalls" and calls > 0)
    return {
        names.DELETION_COST: str(calls),
        names.SAFE_TO_EVICT: "false" if stays else "true",
        names.DO_NOT_DISRUPT: "true" if stays else None,
    }


METRIC: Final = "interject_active_calls"
POD_DEADLINE_S: Final = 1.0
"""For one pod, connecting included. A healthy pod answers within milliseconds."""
ALL_DEADLINE_S: Final = 2.0
"""For all pods together; pods that have not answered by then count as None."""
MOST_AT_A_TIME: Final = 64
"""Concurrent requests: some hundred kB, and a thousand pods well within the deadline."""
MAX_PAGE_BYTES: Final = 256 * 1024
"""A pod's metrics page has some 20 kB."""

_LINE: Final = re.compile(rb"^" + METRIC.encode() + rb"(?:\{[^}\n]*\})? ([^ \n]+)", re.MULTILINE)
_ONE_METRIC: Final = {"name[]": METRIC}
"""Its other metrics would cost the pod ten times as much."""
_HEADERS: Final = {"Accept": "text/plain", "Accept-Encoding": "identity"}

_logger = logging.getLogger(__name__)


class PodCalls:
    """Reads the metrics pages of pods; an asynchronous context manager."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(MOST_AT_A_TIME)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # No keep-alive: a pod that just closes an idle connection would seem not to answer.
            connector=aiohttp.TCPConnector(limit=MOST_AT_A_TIME, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=POD_DEADLINE_S),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, addresses: Iterable[str]) -> dict[str, int | None]:
        """Active calls by address, None if unknown; within `ALL_DEADLINE_S`.

        Args:
            addresses: host:port of the pods' HTTP, an IPv6 address in brackets.
        """
        calls: dict[str, int | None] = dict.fromkeys(addresses)
        tasks = [asyncio.create_task(self._note(address, calls)) for address in calls]
        if not tasks:
            return calls
        try:
            await asyncio.wait(tasks, timeout=ALL_DEADLINE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return calls

    async def _note(self, address: str, calls: dict[str, int | None]) -> None:
        async with self._slots:
            calls[address] = await self._calls(address)

    async def _calls(self, address: str) -> int | None:
        try:
            async with self._session.get(
                f"http://{address}/metrics",
                params=_ONE_METRIC,
                headers=_HEADERS,
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    raise ValueError(f"read status {answer.status}, expected 200")
                return parse(await _read(answer.content))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _logger.info("pod %s: active calls cannot be read: %r", address, error)
            return None


def parse(page: bytes) -> int:
    """Active calls, from a metrics page.

    Raises:
        ValueError: the page has no such metric, or no valid value of it.
    """
    found = _LINE.search(page)
    if found is None:
        raise ValueError(f"found no {METRIC} in a page of {len(page)} bytes")
    calls = float(found[1])
    if not (math.isfinite(calls) and calls >= 0):
        raise ValueError(f"{METRIC}: read {calls}, expected a number of calls")
    return round(calls)


async def _read(content: aiohttp.StreamReader) -> bytes:
    """A whole page; not every answer has a Content-Length.

    Raises:
        ValueError: more than `MAX_PAGE_BYTES`.
    """
    try:
        await content.readexactly(MAX_PAGE_BYTES + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    raise ValueError(f"read over {MAX_PAGE_BYTES} bytes, expected at most as many")
