"""Which kinds of other operators the cluster serves; they come and go with their CRDs."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import Kind
from voiceagent_operator.render.children import OPTIONAL
from voiceagent_operator.telemetry.health import Heartbeats

_logger = logging.getLogger(__name__)


class OptionalKinds:
    """Those of `OPTIONAL` that are served, as far as is known.

    Args:
        heartbeats: of the watches; a watch of a kind that is not served has none.
    """

    def __init__(self, api: ApiServer, heartbeats: Heartbeats) -> None:
        self._api = api
        self._heartbeats = heartbeats
        self._served = {kind: asyncio.Event() for kind in OPTIONAL}

    @property
    def served(self) -> frozenset[Kind]:
        """The kinds that are served."""
        return frozenset(kind for kind, served in self._served.items() if served.is_set())

    async def check(self) -> bool:
        """Read which are served; returns whether that has changed.

        Raises:
            ApiError: the request failed.
        """
        before = self.served
        there = frozenset([kind for kind in OPTIONAL if await _is_served(self._api, kind)])
        self.forget(before - there)
        for kind in there - before:
            _logger.info("%s are served: used from now on", kind.plural)
            self._served[kind].set()
        return there != before

    def forget(self, kinds: Iterable[Kind]) -> None:
        """A request for these was answered with 404."""
        for kind in kinds:
            if self._served[kind].is_set():
                _logger.info("%s are not served any more", kind.plural)
            self._served[kind].clear()

    async def watch(self, kind: Kind, watch: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Watch `kind` whenever it is served, until cancelled.

        Args:
            watch: watches it until it raises NotFoundError, also in a group.
        """
        while True:
            await self._served[kind].wait()
            try:
                await watch()
            except* NotFoundError:
                self.forget([kind])
            finally:
                self._heartbeats.forget(kind.plural)


async def _is_served(api: ApiServer, kind: Kind) -> bool:
    try:
        found = await api.get(f"/apis/{kind.api_version}")
    except NotFoundError:
        return False
    return any(each["name"] == kind.plural for each in found.get("resources", []))
