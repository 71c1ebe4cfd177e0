"""Asterisk as the child of process 1: it starts, drains and stops here.

Asterisk ends at once on SIGTERM, with every call; a container that is stopped gets just that
signal. So Asterisk has a parent that turns the first one into a drain. `core stop gracefully` is
not it: from then on Asterisk makes no channel any more, so that running calls can neither be
handed over to a phone nor reach another pod. Instead a global variable has the dialplan refuse
calls that are not in a conversation yet, and `core stop when convenient` waits for the last one.

State machine; `Drain` knows no clock and no processes:

    state      event              then       to do
    RUNNING    signal             DRAINING   drain; stop is due after `drain_s`
    RUNNING    Asterisk ended     ENDED
    DRAINING   signal, or due     STOPPING   stop (SIGTERM); kill is due after `KILL_AFTER_S`
    DRAINING   Asterisk ended     ENDED
    STOPPING   due                KILLED     kill
    STOPPING   signal             -          it is stopping
    any        Asterisk ended     ENDED

Once a second files are looked at that others change while Asterisk runs: the published dialplan
(publisher.py), the certificate of SIP over TLS (certificate.py).
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from asterisk_config.places import Places
from asterisk_config.publisher import LOOK_EVERY_S

log = logging.getLogger(__name__)

KILL_AFTER_S = 20.0
"""From SIGTERM to SIGKILL, in seconds: Asterisk itself gives its channels 15 to end."""

DRAINING = "INTERJECT_DRAINING"
"""Global variable of the dialplan; templates/enter.conf reads it."""

_ASKED = (signal.SIGTERM, signal.SIGINT)
_HEARD = (*_ASKED, signal.SIGCHLD)


class State(Enum):
    RUNNING = "running"
    DRAINING = "draining"
    STOPPING = "stopping"
    KILLED = "killed"


class Do(Enum):
    """What has to be done to Asterisk."""

    DRAIN = "drain"
    STOP = "stop"
    KILL = "kill"


class Drain:
    """The way from running to killed. Asterisk may end at any point of it.

    Args:
        drain_s: how long calls may go on after the first signal, in seconds.
    """

    def __init__(self, drain_s: float) -> None:
        self._drain_s = drain_s
        self._state = State.RUNNING
        self._due_s: float | None = None

    def left_s(self, now_s: float) -> float | None:
        """Seconds until `due` has to be called, None if never."""
        return None if self._due_s is None else max(self._due_s - now_s, 0.0)

    def signalled(self, now_s: float) -> Do | None:
        """Somebody asks for the end; asking twice means now."""
        if self._state is State.RUNNING:
            self._state = State.DRAINING
            self._due_s = now_s + self._drain_s
            return Do.DRAIN
        return self._stop(now_s) if self._state is State.DRAINING else None

    def due(self, now_s: float) -> Do | None:
        """The time that `left_s` gave is over."""
        if self._state is State.DRAINING:
            return self._stop(now_s)
        if self._state is State.STOPPING:
            self._state = State.KILLED
            self._due_s = None
            return Do.KILL
        return None

    def _stop(self, now_s: float) -> Do:
        self._state = State.STOPPING
        self._due_s = now_s + KILL_AFTER_S
        return Do.STOP


class Watch(Protocol):
    """Something that Asterisk has to hear of when it changes; it may start commands for that."""

    def look(self, now_s: float) -> None:
        """To be called every `LOOK_EVERY_S`."""

    def ended(self, codes: Mapping[int, int]) -> None:
        """Children have ended, with these exit codes by their ids."""


def run_asterisk(
    places: Places,
    drain_s: float,
    clock: Callable[[], float] = time.monotonic,
    *,
    watches: Sequence[Watch] = (),
) -> int:
    """Run Asterisk with the files in `places` until it ends; its exit code, as a shell gives it.

    Blocks the signals that it waits for, in this process and for good. As process 1 it also
    collects the children that Asterisk leaves behind.

    Args:
        drain_s: see `Drain`.
        clock: monotonic time in seconds.
        watches: what is looked at meanwhile.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    asterisk = spawn(places.command("-f"))
    drain = Drain(drain_s)
    while True:
        heard = _wait(_sooner(drain.left_s(clock()), LOOK_EVERY_S if watches else None))
        if heard == signal.SIGCHLD:
            codes = _collect()
            if asterisk in codes:
                return codes[asterisk]
            for watch in watches:
                watch.ended(codes)
            continue
        if heard is None:
            for watch in watches:
                watch.look(clock())
        do = _next(drain, heard, clock())
        if do is not None:
            log.info("asterisk: %s", do.value)
            _act(do, asterisk, places)


def _next(drain: Drain, heard: int | None, now_s: float) -> Do | None:
    if heard is not None:
        return drain.signalled(now_s)
    return drain.due(now_s) if drain.left_s(now_s) == 0 else None


def _sooner(*seconds: float | None) -> float | None:
    """The shortest of them; None stands for never."""
    return min((each for each in seconds if each is not None), default=None)


def _wait(seconds: float | None) -> int | None:
    """The number of a signal, or None when the time is over."""
    if seconds is None:
        return signal.sigwait(_HEARD)
    heard = signal.sigtimedwait(_HEARD, seconds)
    return heard.si_signo if heard else None


def _act(do: Do, asterisk: int, places: Places) -> None:
    match do:
        case Do.DRAIN:
            # Both answer at once or, without an Asterisk that listens, not at all: the drain's
            # end is the deadline. Their exit is collected like any child's.
            spawn(places.command("-rx", f"dialplan set global {DRAINING} yes"))
            spawn(places.command("-rx", "core stop when convenient"))
        case Do.STOP:
            os.kill(asterisk, signal.SIGTERM)
        case Do.KILL:
            os.kill(asterisk, signal.SIGKILL)


def spawn(command: tuple[str, ...]) -> int:
    """A child that takes its signals as it would from a shell; Python ignores SIGPIPE."""
    return os.posix_spawn(
        command[0], command, os.environ, setsigmask=(), setsigdef=(signal.SIGPIPE,)
    )


def _collect() -> dict[int, int]:
    """Collect every child that has ended: exit codes by process id."""
    codes: dict[int, int] = {}
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return codes
        if child == 0:
            return codes
        ended = os.waitstatus_to_exitcode(status)
        codes[child] = ended if ended >= 0 else 128 - ended
