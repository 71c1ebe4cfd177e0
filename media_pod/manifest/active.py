"""The manifest that is active in a pod, and the dialogue that new calls get from it.

Each call creates its dialogue once, at its start, so a reload does not affect active calls.
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
    """The active manifest, as /api/calls reports it."""

    key: str
    """`reload.pod_key` of the active spec."""
    reloads: int
    """Number of reloads since the pod started."""
    problem: str
    """Why the manifest file is not, or not fully, active; "" if it is."""


class ActiveManifest(Generic[DialogueT]):
    """The manifest of one pod.

    Args:
        agent: the manifest at the pod's start.
        folder: base of relative paths in a manifest.
        load: makes the dialogue factory for a spec; may block. `reload` calls it on a thread.

    Raises:
        SetupError: a recording cannot be read.
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
        """State for the HTTP API."""
        return ManifestView(pod_key(self.spec), self._reloads, self._problem)

    async def reload(self, agent: VoiceAgent) -> None:
        """Apply the fields of `agent` that can change while the pod runs.

        Raises:
            SetupError: a recording cannot be read; the active manifest is unchanged.
        """
        spec = reloaded(self.spec, agent.spec)
        if spec != self.spec:
            self.dialogue = await asyncio.to_thread(self._load, spec, self._folder)
            self.spec = spec
            self._reloads += 1
            _logger.info("manifest reloaded: new calls use its dialogue")
        self._problem = ""
        if fields := self._restart_for(agent):
            self._problem = f"restart required to apply {fields}"
            _logger.warning("manifest changed: %s; the previous values stay active", self._problem)

    def refuse(self, problem: str) -> None:
        """Record why the manifest file was rejected."""
        self._problem = problem

    def _restart_for(self, agent: VoiceAgent) -> str:
        fields = [f"spec.{field}" for field in restart_fields(self.spec, agent.spec)]
        if agent.metadata.name != self._name:  # part of traces
            fields.insert(0, "metadata.name")
        return ", ".join(fields)
