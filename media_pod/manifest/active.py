"""The manifest that is active in a pod, and the dialogue that new calls get from it.

Running calls keep the dialogue that they began with: a call asks for it once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from media_pod.manifest.agent import AgentSpec, VoiceAgent
from media_pod.manifest.reload import pod_key, reloaded, restart_fields

_logger = logging.getLogger(__name__)


DialogueT = TypeVar("DialogueT")


@dataclass(frozen=True, slots=True)
class ManifestView:
    """Which manifest is in force, as /api/calls shows it."""

    key: str
    """`reload.pod_key` of it."""
    reloads: int
    """How often the pod has taken over another one."""
    problem: str
    """Why the file's manifest is not in force, or not all of it; "" if it is."""


class ActiveManifest(Generic[DialogueT]):
    """One pod's manifest.

    Args:
        agent: the one that the pod begins with.
        folder: what paths in a manifest are relative to.
        load: makes the dialogue that a manifest asks for; may block, and runs on a thread later.

    Raises:
        SetupError: a recording that cannot be read.
    """

    def __init__(
        self, agent: VoiceAgent, folder: Path, load: Callable[[AgentSpec, Path], DialogueT]
    ) -> None:
        self._name = agent.metadata.name
        self._folder = folder
        self._load = load
        self._reloads = 0
        self._problem = ""
        self.spec = agent.spec
        self.dialogue = load(agent.spec, folder)

    @property
    def view(self) -> ManifestView:
        """As the API shows it."""
        return ManifestView(pod_key(self.spec), self._reloads, self._problem)

    async def reload(self, agent: VoiceAgent) -> None:
        """Take over from `agent` what can be taken over.

        Raises:
            SetupError: a recording that cannot be read; nothing has changed.
        """
        spec = reloaded(self.spec, agent.spec)
        if spec != self.spec:
            self.dialogue = await asyncio.to_thread(self._load, spec, self._folder)
            self.spec = spec
            self._reloads += 1
            _logger.info("the manifest has changed: new calls have its dialogue")
        self._problem = ""
        if fields := self._restart_for(agent):
            self._problem = f"a restart is needed for {fields}"
            _logger.warning("the manifest has changed: %s, until then as before", self._problem)

    def refuse(self, problem: str) -> None:
        """The file's manifest cannot be used, for this reason."""
        self._problem = problem

    def _restart_for(self, agent: VoiceAgent) -> str:
        fields = [f"spec.{field}" for field in restart_fields(self.spec, agent.spec)]
        if agent.metadata.name != self._name:  # traces have it
            fields.insert(0, "metadata.name")
        return ", ".join(fields)
