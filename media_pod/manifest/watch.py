"""Reloads a pod's manifest when its file changes.

In a cluster the file is a ConfigMap volume, which the kubelet updates by replacing a symbolic link.
So the watch opens the path again at each poll, and compares contents. Reading and parsing run on a
thread and do not delay the clock's ticks.
"""

import asyncio
import logging
from pathlib import Path
from typing import Final, Protocol

from media_pod.errors import InterjectError
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.file import parse_manifest, read_content

POLL_INTERVAL_S: Final = 1.0

_logger = logging.getLogger(__name__)


class Reloadable(Protocol):
    """The part of a pod that its manifest changes."""

    async def reload(self, agent: VoiceAgent) -> None:
        """Apply `agent`; no effect if nothing has changed.

        Raises:
            InterjectError: it cannot be applied; nothing has changed.
        """

    def refuse(self, problem: str) -> None:
        """Record why the manifest was rejected."""


class ManifestWatch:
    """Polls one manifest file.

    Args:
        path: of the manifest file. The first poll applies it, in case it changed during the start.
        pod: receives each new manifest.
    """

    def __init__(self, path: Path, pod: Reloadable) -> None:
        self._path = path
        self._pod = pod
        self._content: bytes | None = None
        self._wanted: VoiceAgent | None = None
        """The manifest in the file; None if it is invalid."""
        self._applied = False
        self._problem = ""

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            await self.poll()

    async def poll(self) -> None:
        """Read the file once, and apply it if it changed.

        A manifest that could not be applied is retried at each poll, because the files that it
        refers to may appear later. Each problem is logged once.
        """
        try:
            await self._poll()
            self._problem = ""
        except InterjectError as error:
            self._applied = False
            if str(error) != self._problem:
                self._problem = str(error)
                _logger.error("manifest rejected, the previous one stays active: %s", error)
                self._pod.refuse(self._problem)

    async def _poll(self) -> None:
        content = await asyncio.to_thread(read_content, self._path)
        if content != self._content:
            self._content, self._wanted, self._applied = content, None, False
            self._wanted = await asyncio.to_thread(parse_manifest, content, self._path)
        if self._wanted is not None and not self._applied:
            await self._pod.reload(self._wanted)
            self._applied = True
