"""Reloads a part of a running Asterisk when its files change.

State machine of one part; `ReloadState` uses no clock, no files and no processes:

    state     event                             next state   action
    LOADED    poll, content changed             LOADING      reload; the file is written before
    LOADING   command exited with 0             LOADED       (STALE if the content changed again)
    LOADING   command exited with another code  STALE        Asterisk is starting or stopping
    LOADING   poll, `TIMEOUT_S` later           LOADING      kill the command
    STALE     poll                              LOADING      reload
"""

import os
import signal
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from asterisk_config.places import Places

TIMEOUT_S: Final = 10.0
"""Timeout of a reload in seconds; thousands of lines of dialplan take a fraction of a second."""


class ReloadAction(Enum):
    RELOAD = "reload"
    KILL = "kill"


class ReloadState:
    """Which content Asterisk has loaded.

    Args:
        content: the content (or its digest) that Asterisk starts with.
    """

    def __init__(self, content: str) -> None:
        self._written = content
        self._loaded = content
        self._loading: str | None = None
        self._started_s = 0.0

    @property
    def written(self) -> str:
        """The content of the file that Asterisk reads."""
        return self._written

    @property
    def settled(self) -> bool:
        """Whether Asterisk has loaded what is written."""
        return self._loading is None and self._written == self._loaded

    def wrote(self, content: str) -> None:
        """The file has new content."""
        self._written = content

    def poll(self, now_s: float) -> ReloadAction | None:
        """The action that is due."""
        if self._loading is not None:
            return ReloadAction.KILL if now_s - self._started_s >= TIMEOUT_S else None
        if self._written == self._loaded:
            return None
        self._loading, self._started_s = self._written, now_s
        return ReloadAction.RELOAD

    def ended(self, code: int) -> None:
        """The reload command has exited with `code`."""
        if code == 0 and self._loading is not None:
            self._loaded = self._loading
        self._loading = None


class Reloader:
    """Runs the reload command of one part of Asterisk.

    Args:
        command: for Asterisk's command line.
        places: paths of Asterisk.
        spawn: starts a command as a child process and returns its process id.
        content: the content (or its digest) that Asterisk starts with.
    """

    def __init__(
        self, command: str, places: Places, spawn: Callable[[tuple[str, ...]], int], content: str
    ) -> None:
        self._command = places.command("-rx", command)
        self._spawn = spawn
        self._child: int | None = None
        self.state = ReloadState(content)

    def poll(self, now_s: float) -> None:
        """Start or kill the reload command if that is due."""
        match self.state.poll(now_s):
            case ReloadAction.RELOAD:
                self._child = self._spawn(self._command)
            case ReloadAction.KILL if self._child is not None:
                os.kill(self._child, signal.SIGKILL)

    def ended(self, codes: Mapping[int, int]) -> None:
        """Child processes have ended: exit codes by process id."""
        if self._child is not None and self._child in codes:
            self.state.ended(codes[self._child])
            self._child = None
