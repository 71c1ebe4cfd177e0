"""Drain: a pod's calls end by themselves, then with a goodbye, by one deadline.

    state     from                              what holds
    SERVING   the start                         the pod takes calls
    DRAINING  the first `start`                 no new calls; running calls go on
    GOODBYE   `timeout_s` after that            every call says goodbye and ends
    EXPIRED   `LAST_WORDS_S` after that         calls that are still here are cut off

A later `start` changes nothing, so that a preStop hook and the SIGTERM after it share the deadline.
The state follows from the time alone. A call that comes back late, from another pod's crash, has
the same deadline. `finished` waits through GOODBYE at most.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from enum import Enum
from typing import Final

from media_pod.calls.registry import CallRegistry

LAST_WORDS_S: Final = 10.0
"""For the goodbye, which is a short sentence, and for the end of its connection."""
LAST_QUESTION_S: Final = 1.0
"""How long the dialplan may take to ask what comes after a call."""

_logger = logging.getLogger(__name__)


class DrainState(Enum):
    """See the module."""

    SERVING = "serving"
    DRAINING = "draining"
    GOODBYE = "goodbye"
    EXPIRED = "expired"


class Drain:
    """The drain of one pod.

    Args:
        registry: takes no new calls from `start` on.
        on_start: called once, at the first `start`.
        say_goodbye: has every call say goodbye that does not yet.
        timeout_s: how long calls go on by themselves, in seconds.
        now: monotonic time in seconds.
    """

    def __init__(
        self,
        registry: CallRegistry,
        on_start: Callable[[], None],
        say_goodbye: Callable[[], None],
        timeout_s: float,
        now: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._on_start = on_start
        self._say_goodbye = say_goodbye
        self._timeout_s = timeout_s
        self._now = now
        self._started_s = math.inf
        self._last_end_s = -math.inf
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def state(self) -> DrainState:
        """As of now."""
        elapsed_s = self._now() - self._started_s
        if elapsed_s < 0:
            return DrainState.SERVING
        if elapsed_s < self._timeout_s:
            return DrainState.DRAINING
        in_goodbye = elapsed_s < self._timeout_s + LAST_WORDS_S
        return DrainState.GOODBYE if in_goodbye else DrainState.EXPIRED

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first `start`; 0 before it."""
        return max(self._now() - self._started_s, 0.0)

    def start(self) -> None:
        """Take no new calls, and start the deadline. May be called again."""
        if self.state is not DrainState.SERVING:
            return
        self._started_s = self._now()
        self._registry.drain()
        self._on_start()
        calls = len(self._registry.present)
        _logger.info("draining: %d calls go on, for %g s at most", calls, self._timeout_s)
        self.check()

    def check(self) -> None:
        """Do what is due; to be called once a second, and when something has changed."""
        if self.state in (DrainState.GOODBYE, DrainState.EXPIRED):
            self._say_goodbye()
        self._changed.set()

    def call_ended(self) -> None:
        """A slot is free again."""
        self._last_end_s = self._now()
        self.check()

    def close(self) -> None:
        """End every wait in `finished`."""
        self._closed = True
        self.check()

    async def finished(self) -> None:
        """Wait until no slot is taken, by a call or by a reservation, or the drain has EXPIRED.

        To be called after `start`. Any number of tasks may wait.
        """
        while self._registry.present and self.state is not DrainState.EXPIRED and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        if left := len(self._registry.present):
            _logger.info("drain: %d calls are cut off", left)
        # Asterisk asks what comes next once its audio connection has ended: this pod must answer.
        await asyncio.sleep(max(self._last_end_s + LAST_QUESTION_S - self._now(), 0))
