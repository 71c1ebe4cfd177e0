"""The manifest that is in force in a pod, and the dialogue that new calls get from it.

Running calls keep the dialogue that they began with: a call asks for it once.
"""

import asyncio
import logging
from pathlib import Path

from media_pod.agents.from_spec import make_dialogue
from media_pod.control.ports import ManifestView
from media_pod.spec import VoiceAgent
from media_pod.spec_reload import pod_key, reloaded, restart_fields

_logger = logging.getLogger(__name__)


class InForce:
    """One pod's manifest.

    Args:
        agent: the one that the pod begins with.
        folder: what paths in a manifest are relative to.

    Raises:
        SetupError: a recording that cannot be read.
    """

    def __init__(self, agent: VoiceAgent, folder: Path) -> None:
        self._name = agent.metadata.name
        self._folder = folder
        self._reloads = 0
        self._problem = ""
        self.spec = agent.spec
        self.dialogue = make_dialogue(agent.spec, folder)

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
            self.dialogue = await asyncio.to_thread(make_dialogue, spec, self._folder)
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
