"""How many calls each pod has, asked again and again, and told where it matters.

Scale-down takes the pod with the lowest deletion cost, so that the cost follows the calls; a node
autoscaler spares pods that are not safe to evict; users see the sum in the status.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from voiceagent_operator.agents.agent import Key
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError
from voiceagent_operator.media_pods import Ask, annotations_for
from voiceagent_operator.reconcile.reconciler import KnownAgent, Reconciler, annotate

POLL_S: Final = 4.0
"""Between two questions to a pod: a call lasts minutes, and an answer costs the pod 1 ms."""
WRITE_S: Final = 10.0
"""Least time between two writes about one pod, or about one agent: each is a write to etcd."""

log = logging.getLogger(__name__)


class CallWatch:
    """Asks all pods of all agents.

    Args:
        ask: see `Ask`.
        now: monotonic time in seconds.
    """

    def __init__(
        self, api: ApiServer, reconciler: Reconciler, ask: Ask, now: Callable[[], float]
    ) -> None:
        self._api = api
        self._reconciler = reconciler
        self._ask = ask
        self._now = now
        self._written: dict[tuple[Key, str], float] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.ask_all()
            await asyncio.sleep(POLL_S)

    async def ask_all(self) -> None:
        """One round."""
        known = dict(self._reconciler.known)
        calls = await self._ask([pod.address for each in known.values() for pod in each.pods])
        for key, each in known.items():
            try:
                await self._tell(key, each, calls)
            except ApiError as error:
                log.info("calls of %s/%s are told later: %s", *key, error)
        self._written = {
            about: when
            for about, when in self._written.items()
            if self._now() - when < WRITE_S and about[0] in known
        }

    async def _tell(self, key: Key, each: KnownAgent, calls: Mapping[str, int | None]) -> None:
        for pod in each.pods:
            count = calls.get(pod.address)
            if count is None or not pod.differs(annotations_for(count)):
                continue
            if self._due(key, pod.name):
                await annotate(self._api, key[0], pod.name, annotations_for(count))
        counts = [calls.get(pod.address) for pod in each.pods]
        told = [count for count in counts if count is not None]
        if told and sum(told) != each.seen.calls and self._due(key, ""):
            await self._reconciler.report_calls(key, sum(told))

    def _due(self, key: Key, pod: str) -> bool:
        """Whether something may be written about it again; notes that it is."""
        now = self._now()
        if now - self._written.get((key, pod), -WRITE_S) < WRITE_S:
            return False
        self._written[key, pod] = now
        return True
