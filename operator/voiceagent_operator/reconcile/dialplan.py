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
from voiceagent_operator.kube.api import FIELD_MANAGER, ApiServer
from voiceagent_operator.kube.errors import NotFoundError
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
    name_taken: frozenset[str] = frozenset()
    """Those of them in which a foreign ConfigMap has the dialplan's name."""
    elsewhere: frozenset[str] = frozenset()
    """Namespaces in which pods have the label of the Asterisk, but may not be one."""


class DialplanPublisher:
    """Keeps the dialplans in step with the directory.

    Args:
        namespaces: those that are watched, None for all.
        asterisk_namespaces: those whose pods may be an Asterisk. A label is no proof: whoever may
            make pods can give them any.
        changed: called with the agents whose publication has changed.
    """

    def __init__(
        self,
        api: ApiServer,
        directory: Directory,
        namespaces: Sequence[str] | None,
        asterisk_namespaces: Sequence[str],
        changed: Callable[[Iterable[Key]], None],
    ) -> None:
        self._api = api
        self._directory = directory
        self._namespaces = namespaces
        self._asterisk_namespaces = frozenset(asterisk_namespaces)
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
        found = bool(edition.places - edition.name_taken)
        return replace(
            state,
            published=award.granted if there and found else (),
            pending=not there,
            asterisk_found=bool(edition.places),
            name_taken=tuple(sorted(edition.name_taken)),
            asterisk_elsewhere=tuple(sorted(edition.elsewhere)),
        )

    async def publish(self, asterisk: str) -> bool:
        """Write the dialplan of `asterisk` wherever it has pods; whether all are written.

        Raises:
            ApiError: a request failed; retry.
        """
        labelled, there = await self._read(asterisk)
        allowed = self._asterisk_namespaces
        pods = [pod for pod in labelled if pod["metadata"]["namespace"] in allowed]
        awards = self._directory.at(asterisk)
        data = {FILE: dialplan(awards)}
        places = frozenset(pod["metadata"]["namespace"] for pod in pods)
        taken = set()
        for namespace in sorted(places | there.keys()):
            if namespace not in places and not (awards and namespace in allowed):
                await self._api.delete(CONFIG_MAP.path(namespace, names.dialplan_name(asterisk)))
            elif not await self._put(asterisk, namespace, data, there.get(namespace)):
                taken.add(namespace)
        await self._show(
            [pod for pod in pods if pod["metadata"]["namespace"] not in taken], digest(data)
        )
        self._turn(
            asterisk,
            PublishedDialplan(
                frozenset((each.claim.key, each.granted) for each in awards),
                places,
                frozenset(taken),
                frozenset(pod["metadata"]["namespace"] for pod in labelled) - allowed,
            ),
        )
        return not taken

    async def _read(self, asterisk: str) -> tuple[list[Json], dict[str, Json]]:
        """The pods that call themselves `asterisk`, and its dialplans by namespace."""
        mine = f"{names.ASTERISK}={asterisk}"
        pods, maps = await asyncio.gather(
            self._list(POD.path, {"labelSelector": mine}),
            self._list(CONFIG_MAP.path, {"labelSelector": f"{names.OURS},{mine}"}),
        )
        return pods, {
            found["metadata"]["namespace"]: found
            for found in maps
            if found["metadata"]["name"] == names.dialplan_name(asterisk)
        }

    def _turn(self, asterisk: str, edition: PublishedDialplan) -> None:
        """`edition` is published; report what has changed."""
        before = self._published.get(asterisk)
        for namespace in edition.name_taken - (before.name_taken if before else frozenset()):
            log.warning(
                "ConfigMap %s in %s exists and is not of this operator; delete it",
                names.dialplan_name(asterisk),
                namespace,
            )
        self._published[asterisk] = edition
        self._changed(turned(before, edition))

    async def _list(self, path: Callable[[str | None], str], params: dict[str, str]) -> list[Json]:
        places: Sequence[str | None] = self._namespaces or [None]
        lists = await asyncio.gather(*(self._api.get(path(place), params) for place in places))
        return [item for each in lists for item in each.get("items", [])]

    async def _put(
        self, asterisk: str, namespace: str, data: dict[str, str], found: Json | None
    ) -> bool:
        """Whether the dialplan is there; not if a foreign object has its name.

        Args:
            found: the ConfigMap that is there and has our labels.
        """
        if found is not None and found.get("data") == data:
            return True
        body = CONFIG_MAP.head(namespace, names.dialplan_name(asterisk)) | {"data": data}
        body["metadata"]["labels"] = names.dialplan_labels(asterisk)
        path = CONFIG_MAP.path(namespace, names.dialplan_name(asterisk))
        # Server-side apply would take over a foreign object.
        if found is None and not await self._free(path):
            return False
        await self._api.apply(path, body)
        log.info("dialplan of Asterisk %s in %s: written", asterisk, namespace)
        return True

    async def _free(self, path: str) -> bool:
        """Whether there is no such object, or one of ours that has lost its labels."""
        try:
            found = await self._api.get(path)
        except NotFoundError:
            return True
        managers = found["metadata"].get("managedFields", [])
        return any(each.get("manager") == FIELD_MANAGER for each in managers)

    async def _show(self, pods: list[Json], latest: str) -> None:
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


def turned(before: PublishedDialplan | None, after: PublishedDialplan) -> set[Key]:
    """The agents whose publication has changed."""
    if before is None or replace(before, granted=after.granted) != after:
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
