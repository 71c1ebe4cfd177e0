"""Polls the active calls of all pods, and writes them where they are used.

Scale-down removes the pods with the lowest deletion cost, which is therefore the number of calls.
Node autoscalers do not evict the pods that are marked for them; `spec.eviction` says which. The
status has the sum.
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
"""Poll interval: a call lasts minutes, and an answer costs the pod 1 ms."""
WRITE_S: Final = 10.0
"""Minimum interval between writes about one pod or one agent: each is a write to etcd."""

log = logging.getLogger(__name__)


class CallWatch:
    """Polls all pods of all agents.

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
        """Poll until cancelled."""
        while True:
            await self.poll_all()
            await asyncio.sleep(POLL_S)

    async def poll_all(self) -> None:
        """Poll once."""
        known = dict(self._reconciler.known)
        calls = await self._ask([pod.address for each in known.values() for pod in each.pods])
        for key, each in known.items():
            try:
                await self._report(key, each, calls)
            except ApiError as error:
                log.info("calls of %s/%s not written, will retry: %s", *key, error)
        self._written = {
            about: when
            for about, when in self._written.items()
            if self._now() - when < WRITE_S and about[0] in known
        }

    async def _report(self, key: Key, each: KnownAgent, calls: Mapping[str, int | None]) -> None:
        for pod in each.pods:
            count = calls.get(pod.address)
            if count is None:
                continue
            wanted = annotations_for(count, each.agent.spec.eviction)
            if pod.differs(wanted) and self._due(key, pod.name):
                await annotate(self._api, key[0], pod.name, wanted)
        answers = ((pod.address, calls.get(pod.address)) for pod in each.pods)
        answered = {address: count for address, count in answers if count is not None}
        if answered and each.counting(answered) != each.seen and self._due(key, ""):
            await self._reconciler.report_calls(key, answered)

    def _due(self, key: Key, pod: str) -> bool:
        """Whether the write interval has passed; if so, starts the next one."""
        now = self._now()
        if now - self._written.get((key, pod), -WRITE_S) < WRITE_S:
            return False
        self._written[key, pod] = now
        return True
