"""Writing status and events: only what differs from what the API server has."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.decide import status
from voiceagent_operator.decide.status import event
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError, NotFoundError
from voiceagent_operator.kube.kinds import EVENT, VOICE_AGENT, Json

log = logging.getLogger(__name__)


class Reporter:
    """Reports status and events of VoiceAgents.

    Args:
        instance: which replica of the operator this is.
        version: the operator's.
        refused: whether the CRD lacks that field of the status.
        now: the wall clock.
    """

    def __init__(
        self,
        api: ApiServer,
        instance: str,
        version: str,
        refused: Callable[[str], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._instance = instance
        self._version = version
        self._refused = refused
        self._now = now

    def make_status(self, agent: Agent, seen: status.Observed, old: Json) -> Json:
        """See `status.make_status`."""
        return status.make_status(agent, seen, old, self._version, self._seconds())

    def bad_spec(self, found: Json, problem: str) -> Json:
        """See `status.bad_spec`."""
        generation: int = found["metadata"]["generation"]
        old: Json = found.get("status", {})
        return status.bad_spec(generation, problem, old, self._version, self._seconds())

    async def report(self, found: Json, made: Json) -> int:
        """Write `made` if `found` has another status, and events for changed conditions.

        `found` has the new status afterwards. Returns the number of writes.

        Raises:
            ApiError: the status cannot be written. A failure to post an event is only logged.
        """
        made = {key: value for key, value in made.items() if not self._refused(key)}
        old: Json = found.get("status", {})
        if old == made:
            return 0
        head = found["metadata"]
        body = VOICE_AGENT.head(head["namespace"], head["name"]) | {"status": made}
        try:
            await self._api.apply(VOICE_AGENT.path(head["namespace"], head["name"], "status"), body)
        except NotFoundError:
            return 0  # deleted meanwhile
        found["status"] = made
        posted = [
            await self._post_event(found, change) for change in status.condition_changes(old, made)
        ]
        return 1 + sum(posted)

    async def _post_event(self, found: Json, change: status.ConditionChange) -> int:
        now = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = event(found, change, self._instance, now, uuid4().hex[:16])
        if body is None:
            return 0
        try:
            await self._api.create(EVENT.path(found["metadata"]["namespace"]), body)
        except ApiError as error:
            log.warning("event not posted: %s", error)
            return 0
        return 1

    def _seconds(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
