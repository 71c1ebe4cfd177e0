"""Publishes extensions: one dialplan ConfigMap per Asterisk and namespace with pods of it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from asterisk_config.agent_values import DialplanAgent, Timeouts
from asterisk_config.published import context_name, published
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent, Key
from voiceagent_operator.agents.directory import Award, Directory
from voiceagent_operator.decide.status import PublicationState
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import CONFIG_MAP, POD, Json
from voiceagent_operator.reconcile.reconciler import annotate
from voiceagent_operator.render.children import digest

FILE: Final = "agents.conf"
"""The only key of the ConfigMap; Asterisk includes *.conf from its mount."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedDialplan:
    """The dialplan of one Asterisk as it was last published."""

    granted: frozenset[tuple[Key, tuple[str, ...]]]
    places: frozenset[str]
    """Namespaces in which the Asterisk has pods."""


class DialplanPublisher:
    """Keeps the dialplans in step with the directory.

    Args:
        namespaces: those that are watched, None for all.
        changed: called with the agents whose publication has changed.
    """

    def __init__(
        self,
        api: ApiServer,
        directory: Directory,
        namespaces: Sequence[str] | None,
        changed: Callable[[Iterable[Key]], None],
    ) -> None:
        self._api = api
        self._directory = directory
        self._namespaces = namespaces
        self._changed = changed
        self._published: dict[str, PublishedDialplan] = {}

    def publication(self, agent: Agent) -> PublicationState:
        """Which extensions of `agent` are in the dialplan."""
        award = self._directory.awards().get(agent.key)
        if award is None:
            return PublicationState()
        state = PublicationState(
            taken=award.taken, refused=award.refused, blocked_transfers=award.blocked
        )
        if not agent.spec.telephony.extensions:
            return state
        edition = self._published.get(award.claim.asterisk)
        if edition is None:
            return replace(state, pending=True)
        there = (agent.key, award.granted) in edition.granted
        found = bool(edition.places)
        return replace(
            state,
            published=award.granted if there and found else (),
            pending=not there,
            asterisk_found=found,
        )

    async def publish(self, asterisk: str) -> int:
        """Write the dialplan of `asterisk` wherever it has pods; returns the number of writes.

        Raises:
            ApiError: a request failed; retry.
        """
        pods, maps = await asyncio.gather(
            self._list(POD.path, {"labelSelector": f"{names.ASTERISK}={asterisk}"}),
            self._list(
                CONFIG_MAP.path, {"labelSelector": f"{names.OURS},{names.ASTERISK}={asterisk}"}
            ),
        )
        awards = self._directory.at(asterisk)
        data = {FILE: dialplan(awards)}
        there = {found["metadata"]["namespace"]: found for found in maps}
        places = frozenset(pod["metadata"]["namespace"] for pod in pods)
        writes = 0
        for namespace in sorted(places | there.keys()):
            writes += await self._put(asterisk, namespace, data, there, wanted=namespace in places)
        writes += await self._show(pods, digest(data))
        edition = PublishedDialplan(
            frozenset((each.claim.key, each.granted) for each in awards), places
        )
        before = self._published.get(asterisk)
        self._published[asterisk] = edition
        self._changed(turned(before, edition))
        return writes

    async def _list(self, path: Callable[[str | None], str], params: dict[str, str]) -> list[Json]:
        places: Sequence[str | None] = self._namespaces or [None]
        lists = await asyncio.gather(*(self._api.get(path(place), params) for place in places))
        return [item for each in lists for item in each.get("items", [])]

    async def _put(
        self,
        asterisk: str,
        namespace: str,
        data: dict[str, str],
        there: dict[str, Json],
        *,
        wanted: bool,
    ) -> int:
        path = CONFIG_MAP.path(namespace, names.dialplan_name(asterisk))
        found = there.get(namespace)
        if not wanted and not self._directory.at(asterisk):
            await self._api.delete(path)
            return 1
        if found is not None and found.get("data") == data:
            return 0
        body = CONFIG_MAP.head(namespace, names.dialplan_name(asterisk)) | {"data": data}
        body["metadata"]["labels"] = names.dialplan_labels(asterisk)
        await self._api.apply(path, body)
        log.info("dialplan of Asterisk %s in %s: written", asterisk, namespace)
        return 1

    async def _show(self, pods: list[Json], latest: str) -> int:
        """Touch pods that may have an older dialplan, so that their kubelet refreshes it."""
        late = [
            pod["metadata"]
            for pod in pods
            if pod["metadata"].get("annotations", {}).get(names.DIALPLAN_SEEN) != latest
            and "deletionTimestamp" not in pod["metadata"]
        ]
        for head in late:
            await annotate(
                self._api, head["namespace"], head["name"], {names.DIALPLAN_SEEN: latest}
            )
        return len(late)


def turned(before: PublishedDialplan | None, after: PublishedDialplan) -> set[Key]:
    """The agents whose publication has changed."""
    if before is None or before.places != after.places:
        return {key for key, _ in after.granted}
    return {key for key, _ in before.granted ^ after.granted}


def dialplan(awards: Sequence[Award]) -> str:
    """The text of the file that Asterisk includes."""
    return published(
        [
            DialplanAgent(
                name=context_name(*award.claim.key),
                extensions=award.granted,
                api=(award.claim.api,),
                transport=award.claim.transport,  # type: ignore[arg-type]  # a Literal's value
                rate_hz=award.claim.rate_hz,  # type: ignore[arg-type]
                transfers=award.transfers,
            )
            for award in awards
        ],
        Timeouts(),
    )
