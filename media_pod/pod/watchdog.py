"""Ends the process when its clock stands still, so that its calls go on elsewhere.

A pod whose event loop hangs keeps its connections open, and Asterisk waits: over WebSocket with the
channel locked. Once the process has ended, the kernel resets the connections, and the dialplan
moves each call to another pod. Kubernetes' liveness probe takes 20 s for that, and a grace period
on top.

A machine that stalls must not cost the pods their calls: they go on when it does. A thread of this
process is the witness. It wakes every `WAKE_S` and counts how often it woke since the last tick,
not how long ago that is: when the process gets no CPU time, neither ticks nor wakes happen. A hang
in native code that holds the interpreter's lock stops the witness too; that one is the probe's.
"""

import faulthandler
import logging
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

WAKE_S: Final = 0.1
PATIENCE_WAKES: Final = 50
"""5 s without a tick, which no working pod has: the longest known work on the event loop, a full
garbage collection, takes 0.2 s."""
EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h."""

_logger = logging.getLogger(__name__)


def end_process(silent_s: float) -> None:
    """Log where every thread is, and end; nothing is cleaned up, because the event loop hangs."""
    _logger.critical(
        "the clock has not ticked for %.1f s: the process ends, so that its calls go on elsewhere; "
        "the threads follow",
        silent_s,
    )
    faulthandler.dump_traceback(all_threads=True)
    os._exit(EXIT_CODE)


class Watchdog:
    """Watches one clock while its block runs.

    Args:
        ticks: how many ticks the clock has had; another number is a sign of life.
        on_hang: called on the watchdog's thread, once, with the seconds that it saw no tick for.
        patience_wakes: wakes without a tick that are too many.
    """

    def __init__(
        self,
        ticks: Callable[[], int],
        on_hang: Callable[[float], None] = end_process,
        patience_wakes: int = PATIENCE_WAKES,
    ) -> None:
        self._ticks = ticks
        self._on_hang = on_hang
        self._patience_wakes = patience_wakes
        self._seen = ticks()
        self._wakes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()

    def wake(self) -> bool:
        """One wake of the witness; whether the clock hangs."""
        ticks = self._ticks()
        if ticks != self._seen:
            self._seen, self._wakes = ticks, 0
        else:
            self._wakes += 1
        return self._wakes >= self._patience_wakes

    def _watch(self) -> None:
        while not self._over.wait(WAKE_S):
            if self.wake():
                self._on_hang(self._wakes * WAKE_S)
                return
