"""What an event of a watch leads to: which agents and which dialplans to reconcile."""

import hashlib
import json
from collections import deque
from collections.abc import Callable
from typing import Final

from media_pod.manifest.validation import SpecError
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Key, parse_agent
from voiceagent_operator.agents.directory import Directory
from voiceagent_operator.kube.kinds import Json, Kind
from voiceagent_operator.kube.watching import Change


class Signatures:
    """Tells changes of spec and metadata from changes of status; one signature per object.

    Controllers write status all the time, and watches report every write. All other changes are
    visible in the metadata: the generation counts changes of the spec, and managedFields records
    which manager set which field.
    """

    def __init__(self) -> None:
        self._latest: dict[tuple[Kind, str], bytes] = {}

    def changed(self, kind: Kind, metadata: Json, change: Change) -> bool:
        """Whether anything but the status has changed since the last call."""
        about = (kind, metadata["uid"])
        if change is Change.DELETED:
            self._latest.pop(about, None)
            return True
        latest = _signature(metadata)
        changed = self._latest.get(about) != latest
        self._latest[about] = latest
        return changed


def _signature(metadata: Json) -> bytes:
    kept = {
        key: value
        for key, value in metadata.items()
        if key not in ("resourceVersion", "managedFields")
    }
    kept["managers"] = [
        entry for entry in metadata.get("managedFields", []) if entry.get("subresource") != "status"
    ]
    return hashlib.blake2s(json.dumps(kept, sort_keys=True).encode(), digest_size=12).digest()


_REMEMBERED: Final = 256
"""More than are deleted within the seconds for which it matters."""


class AgentWatch:
    """Keeps the directory in step with kopf's watch of VoiceAgents.

    Args:
        reconcile: enqueues an agent.
        publish: enqueues the dialplan of an Asterisk.
        alive: called for every event.
    """

    def __init__(
        self,
        directory: Directory,
        reconcile: Callable[[Key], None],
        publish: Callable[[str], None],
        alive: Callable[[], None],
    ) -> None:
        self._directory = directory
        self._reconcile = reconcile
        self._publish = publish
        self._alive = alive
        self.lately_gone: deque[Key] = deque(maxlen=_REMEMBERED)
        """The latest deleted ones."""

    def on_event(self, type: str | None, found: Json) -> None:
        """An event of the watch of VoiceAgents; see `kopf_watch.OnEvent`."""
        self._alive()
        if type == "DELETED":
            self.gone((found["metadata"]["namespace"], found["metadata"]["name"]))
        else:
            self.seen(found)

    def seen(self, found: Json) -> None:
        """A VoiceAgent of the API server; enqueued if it is new or its spec has changed."""
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
            self._reconcile(key)
        if asterisks:
            self._spread(asterisks, rivals | self._directory.rivals(key))

    def gone(self, key: Key) -> None:
        """A VoiceAgent was deleted."""
        self.lately_gone.append(key)
        rivals = self._directory.rivals(key)
        self._spread(self._directory.remove(key), rivals)
        self._reconcile(key)

    def _spread(self, asterisks: set[str], rivals: set[Key]) -> None:
        for asterisk in asterisks:
            self._publish(asterisk)
        for rival in rivals:
            self._reconcile(rival)


def owner_of(metadata: Json) -> Key | None:
    """The agent that an object belongs to, by its label; None without one."""
    agent = metadata.get("labels", {}).get(names.AGENT)
    return None if agent is None else (metadata["namespace"], agent)
