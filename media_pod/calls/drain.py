"""How a pod goes: its calls end by themselves, then with a few words, by one deadline.

    state     from                              what holds
    SERVING   the start                         nobody has asked for the end
    DRAINING  the first `begin`                 no new calls; those that are here go on
    PARTING   `timeout_s` after that            every call is told goodbye
    GONE      `LAST_WORDS_S` after that         whoever is still here is cut off

A later `begin` changes nothing, so that a hook before the container's end and the signal after it
share the deadline. The state follows from the time alone; a call that comes back late, from another
pod's crash, is held to it like the others. Whoever waits for the last call (`over`) waits through
PARTING at most.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from enum import Enum
from typing import Final

from media_pod.calls.registry import Admission

LAST_WORDS_S: Final = 10.0
"""For the goodbye, which is a short sentence, and for the end of its connection."""
LAST_QUESTION_S: Final = 1.0
"""How long the dialplan may take to ask what comes after a call."""

_logger = logging.getLogger(__name__)


class State(Enum):
    SERVING = "serving"
    DRAINING = "draining"
    PARTING = "parting"
    GONE = "gone"


class Leaving:
    """One pod's end.

    Args:
        admission: takes no new calls from `begin` on.
        on_begin: told, once, that the calls that are here are the last ones.
        say_goodbye: has every call say goodbye that does not yet.
        timeout_s: how long calls go on by themselves, in seconds.
        now: monotonic time in seconds.
    """

    def __init__(
        self,
        admission: Admission,
        on_begin: Callable[[], None],
        say_goodbye: Callable[[], None],
        timeout_s: float,
        now: Callable[[], float],
    ) -> None:
        self._admission = admission
        self._on_begin = on_begin
        self._say_goodbye = say_goodbye
        self._timeout_s = timeout_s
        self._now = now
        self._began_s = math.inf
        self._last_end_s = -math.inf
        self._closed = False
        self._look_again = asyncio.Event()

    @property
    def state(self) -> State:
        """By the time that it is."""
        lasted_s = self._now() - self._began_s
        if lasted_s < 0:
            return State.SERVING
        if lasted_s < self._timeout_s:
            return State.DRAINING
        return State.PARTING if lasted_s < self._timeout_s + LAST_WORDS_S else State.GONE

    @property
    def lasted_s(self) -> float:
        """Seconds since the first `begin`; 0 before it."""
        return max(self._now() - self._began_s, 0.0)

    def begin(self) -> None:
        """Take no new calls, and let the time run. May be called again."""
        if self.state is not State.SERVING:
            return
        self._began_s = self._now()
        self._admission.drain()
        self._on_begin()
        calls = len(self._admission.admitted)
        _logger.info("draining: %d calls go on, for %g s at most", calls, self._timeout_s)
        self.look()

    def look(self) -> None:
        """See what is due; to be called once a second, and when something has changed."""
        if self.state in (State.PARTING, State.GONE):
            self._say_goodbye()
        self._look_again.set()

    def call_ended(self) -> None:
        """A slot is free again."""
        self._last_end_s = self._now()
        self.look()

    def close(self) -> None:
        """Nobody waits any longer."""
        self._closed = True
        self.look()

    async def over(self) -> None:
        """Until no slot is taken, by a call or by the promise of one, or the pod is GONE.

        To be asked after `begin`. Any number may wait.
        """
        while self._admission.admitted and self.state is not State.GONE and not self._closed:
            self._look_again.clear()
            await self._look_again.wait()
        if left := len(self._admission.admitted):
            _logger.info("%d calls are not over when the pod goes", left)
        # Asterisk asks what comes next once its audio connection has ended: somebody must answer.
        await asyncio.sleep(max(self._last_end_s + LAST_QUESTION_S - self._now(), 0))
