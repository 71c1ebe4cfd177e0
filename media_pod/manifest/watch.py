"""A running pod's manifest: when its file says something else, new calls have it.

In a cluster the file comes from a ConfigMap, and the kubelet changes it by turning a symbolic link;
so it is read by its path each time, and its content alone decides. Reading and parsing happen on a
thread, and the manifest is small: the clock's ticks wait for neither.
"""

import asyncio
import logging
from pathlib import Path
from typing import Final, Protocol

from media_pod.errors import InterjectError
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.file import parse_manifest, read_text

LOOK_EVERY_S: Final = 1.0

_logger = logging.getLogger(__name__)


class Reloadable(Protocol):
    """A pod, as far as its manifest goes."""

    async def reload(self, agent: VoiceAgent) -> None:
        """Take over from `agent` what can be taken over; nothing, if there is nothing new.

        Raises:
            InterjectError: it cannot be used; nothing has changed.
        """

    def refuse(self, problem: str) -> None:
        """The manifest is of no use, for this reason."""


class ManifestWatch:
    """See the module.

    Args:
        path: the manifest's. The pod need not have been made from what the file says now.
        pod: is told.
    """

    def __init__(self, path: Path, pod: Reloadable) -> None:
        self._path = path
        self._pod = pod
        self._seen: bytes | None = None
        self._wanted: VoiceAgent | None = None
        """What the file says; None if that makes no sense."""
        self._in_force = False
        self._problem = ""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Read the file, and let the pod have what is new.

        What the file names may come later than the file, so that is tried again each time. Each
        problem is logged once.
        """
        try:
            await self._look()
            self._problem = ""
        except InterjectError as error:
            self._in_force = False
            if str(error) != self._problem:
                self._problem = str(error)
                _logger.error("the manifest is not taken, the one before stays: %s", error)
                self._pod.refuse(self._problem)

    async def _look(self) -> None:
        content = await asyncio.to_thread(read_text, self._path)
        if content != self._seen:
            self._seen, self._wanted, self._in_force = content, None, False
            self._wanted = await asyncio.to_thread(parse_manifest, content, self._path)
        if self._wanted is not None and not self._in_force:
            await self._pod.reload(self._wanted)
            self._in_force = True
