"""Waiting for others, with a deadline."""

import time
from collections.abc import Callable
from typing import Final

from errors import RigError
from processes import Processes

LOOK_S: Final = 0.05


class Waiting:
    """For what the rig's processes do; one that has ended ends the wait."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def until(self, what: str, condition: Callable[[], bool], patience_s: float) -> None:
        """Return once `condition` holds.

        Raises:
            RigError: it does not within `patience_s`, or a process has ended before.
        """
        deadline = time.monotonic() + patience_s
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise RigError(f"{what} took over {patience_s:.0f} s")
            time.sleep(LOOK_S)

    def check(self) -> None:
        """Raises RigError with the last words of a process that has ended."""
        for process in self._processes.dead():
            log = self._processes.log(process.name)
            words = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
            raise RigError(f"{process.name} has ended ({log}): {''.join(words)}")
