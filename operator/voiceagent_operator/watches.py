"""Who tells the operator that something has changed: kopf of VoiceAgents, watches of the rest."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import kopf

from media_pod.manifest.validation import SpecError
from voiceagent_operator import names
from voiceagent_operator.agent import Key, parse_agent
from voiceagent_operator.directory import Directory
from voiceagent_operator.kube.kinds import GROUP, VERSION, VOICE_AGENT, Json

IDLE_S: Final = 70.0
"""Longest silence of a watch before it is begun anew; API servers send a bookmark each minute."""

_REMEMBERED: Final = 256
"""More than are deleted within the seconds for which it matters."""

log = logging.getLogger(__name__)


class AgentWatch:
    """Keeps the directory as kopf's watch tells it.

    Args:
        look: has an agent looked at.
        publish: has the dialplan of an Asterisk looked at.
        alive: told of every event.
    """

    def __init__(
        self,
        directory: Directory,
        look: Callable[[Key], None],
        publish: Callable[[str], None],
        alive: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._look = look
        self._publish = publish
        self._alive = alive
        self.lately_gone: deque[Key] = deque(maxlen=_REMEMBERED)
        """Those that were deleted last."""

    async def run(self, namespaces: Sequence[str], ready: Callable[[], None]) -> None:
        """Until cancelled.

        Args:
            namespaces: those to watch, empty for all.
            ready: called once kopf has made itself at home in this process.
        """
        started = asyncio.Event()
        operator = asyncio.ensure_future(self._operator(namespaces, started))
        waiting = asyncio.ensure_future(started.wait())
        try:
            await asyncio.wait((operator, waiting), return_when=asyncio.FIRST_COMPLETED)
            ready()
            await operator
        finally:
            waiting.cancel()
            operator.cancel()
            await asyncio.gather(operator, waiting, return_exceptions=True)

    async def _operator(self, namespaces: Sequence[str], started: asyncio.Event) -> None:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(kopf.login_with_service_account)
        kopf.on.login(registry=registry)(kopf.login_with_kubeconfig)
        kopf.on.event(GROUP, VERSION, VOICE_AGENT.plural, registry=registry)(self._on_event)
        await kopf.operator(
            registry=registry,
            settings=_kopf_settings(),
            namespaces=namespaces,
            clusterwide=not namespaces,
            standalone=True,
            ready_flag=started,
        )

    async def _on_event(self, type: str | None, body: kopf.Body, **_: Any) -> None:
        self._alive()
        if type == "DELETED":
            self.gone((body["metadata"]["namespace"], body["metadata"]["name"]))
        else:
            self.seen(dict(body))

    def seen(self, found: Json) -> None:
        """A VoiceAgent as the API server has it; looked at if it is another than before."""
        head = found["metadata"]
        key = (head["namespace"], head["name"])
        before = self._directory.get(key)
        rivals = self._directory.rivals(key)
        try:
            asterisks = self._directory.put(parse_agent(found))
        except SpecError:
            asterisks = self._directory.put_bad(key, head["uid"], head["generation"])
        same = before is not None and (before.uid, before.generation) == (
            head["uid"],
            head["generation"],
        )
        if not same:
            self._look(key)
        if asterisks:
            self._spread(asterisks, rivals | self._directory.rivals(key))

    def gone(self, key: Key) -> None:
        """A VoiceAgent is no more."""
        self.lately_gone.append(key)
        rivals = self._directory.rivals(key)
        self._spread(self._directory.remove(key), rivals)
        self._look(key)

    def _spread(self, asterisks: set[str], rivals: set[Key]) -> None:
        for asterisk in asterisks:
            self._publish(asterisk)
        for rival in rivals:
            self._look(rival)


def owner_of(metadata: Json) -> Key | None:
    """The agent that an object belongs to, by its label."""
    agent = metadata.get("labels", {}).get(names.AGENT)
    return None if agent is None else (metadata["namespace"], agent)


def _kopf_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # Handlers here only read: kopf writes nothing, neither events nor annotations nor finalizers.
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.watching.inactivity_timeout = IDLE_S
    settings.watching.reconnect_backoff = 1.0
    # In a namespace of its own the operator may not list the cluster's kinds.
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 1.0
    return settings
