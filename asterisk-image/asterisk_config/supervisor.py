"""Runs Asterisk as a child of process 1: start, drain, stop.

A container that is stopped gets SIGTERM, on which Asterisk exits at once and drops all calls. So a
parent process turns the first signal into a drain. `core stop gracefully` does not serve: it also
blocks new channels of running calls, which can then neither be transferred to a phone nor move to
another pod. Instead, a global variable makes the dialplan reject new calls, and `core stop when
convenient` waits for the last call.

State machine; `Shutdown` uses no clock and no processes:

    state      event             next state   action
    RUNNING    signal            DRAINING     drain; stop is due after `drain_s`
    DRAINING   signal, or due    STOPPING     stop (SIGTERM); kill is due after `KILL_AFTER_S`
    STOPPING   due               KILLED       kill
    STOPPING   signal            STOPPING     none
    any        Asterisk exited   -            exit with its code

Once a second, files that can change at runtime are polled: the values (values_watch.py), the
published dialplan (publisher.py) and the certificate of SIP over TLS (certificate.py). So are calls
that hang (stuck_calls.py): if no other is left, Asterisk is killed, and the container restarts it.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

from asterisk_config.places import Places
from asterisk_config.stuck_calls import StuckCalls

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 1.0

KILL_AFTER_S = 20.0
"""From SIGTERM to SIGKILL, in seconds: Asterisk itself waits up to 15 s for its channels."""

DRAINING = "INTERJECT_DRAINING"
"""Global variable of the dialplan; templates/enter.conf reads it."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class ShutdownState(Enum):
    RUNNING = "running"
    DRAINING = "draining"
    STOPPING = "stopping"
    KILLED = "killed"


class ShutdownAction(Enum):
    DRAIN = "drain"
    STOP = "stop"
    KILL = "kill"


class Shutdown:
    """The state machine of the shutdown. Asterisk can exit in any state.

    Args:
        drain_s: time in seconds that calls may continue after the first signal.
    """

    def __init__(self, drain_s: float) -> None:
        self._drain_s = drain_s
        self._state = ShutdownState.RUNNING
        self._due_s: float | None = None

    def left_s(self, now_s: float) -> float | None:
        """Seconds until `due` must be called, None if never."""
        return None if self._due_s is None else max(self._due_s - now_s, 0.0)

    def signalled(self, now_s: float) -> ShutdownAction | None:
        """A termination signal arrived. The first one drains, the second one stops at once."""
        if self._state is ShutdownState.RUNNING:
            self._state = ShutdownState.DRAINING
            self._due_s = now_s + self._drain_s
            return ShutdownAction.DRAIN
        return self._stop(now_s) if self._state is ShutdownState.DRAINING else None

    def due(self, now_s: float) -> ShutdownAction | None:
        """The time of `left_s` has passed."""
        if self._state is ShutdownState.DRAINING:
            return self._stop(now_s)
        if self._state is ShutdownState.STOPPING:
            self._state = ShutdownState.KILLED
            self._due_s = None
            return ShutdownAction.KILL
        return None

    def _stop(self, now_s: float) -> ShutdownAction:
        self._state = ShutdownState.STOPPING
        self._due_s = now_s + KILL_AFTER_S
        return ShutdownAction.STOP


class Watch(Protocol):
    """Polls files that can change at runtime, and starts commands to reload them."""

    def poll(self, now_s: float) -> None:
        """Called every `POLL_INTERVAL_S`."""

    def ended(self, codes: Mapping[int, int]) -> None:
        """Child processes have ended: exit codes by process id."""


def run_asterisk(
    places: Places,
    drain_s: float,
    clock: Callable[[], float] = time.monotonic,
    *,
    watches: Sequence[Watch] = (),
    stuck: StuckCalls | None = None,
) -> int:
    """Run Asterisk with the files in `places` until it exits; return its exit code as a shell does.

    Blocks the signals that it waits for in this process, permanently. As process 1 it also reaps
    orphaned child processes.

    Args:
        drain_s: see `Shutdown`.
        clock: monotonic time in seconds.
        watches: polled meanwhile.
        stuck: also polled.
    """
    watches = (*watches, *((stuck,) if stuck else ()))
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    asterisk = spawn(places.command("-f"))
    shutdown = Shutdown(drain_s)
    while True:
        received = _wait(_sooner(shutdown.left_s(clock()), POLL_INTERVAL_S if watches else None))
        if received == signal.SIGCHLD:
            codes = _reap()
            if asterisk in codes:
                return codes[asterisk]
            for watch in watches:
                watch.ended(codes)
            continue
        if received is None:
            for watch in watches:
                watch.poll(clock())
            if stuck is not None and stuck.restart_due:
                os.kill(asterisk, signal.SIGKILL)
        action = _next(shutdown, received, clock())
        if action is not None:
            log.info("asterisk: %s", action.value)
            _act(action, asterisk, places)


def _next(shutdown: Shutdown, received: int | None, now_s: float) -> ShutdownAction | None:
    if received is not None:
        return shutdown.signalled(now_s)
    return shutdown.due(now_s) if shutdown.left_s(now_s) == 0 else None


def _sooner(*seconds: float | None) -> float | None:
    """The minimum; None means never."""
    return min((each for each in seconds if each is not None), default=None)


def _wait(seconds: float | None) -> int | None:
    """The number of the received signal, None on timeout."""
    if seconds is None:
        return signal.sigwait(_SIGNALS)
    received = signal.sigtimedwait(_SIGNALS, seconds)
    return received.si_signo if received else None


def _act(action: ShutdownAction, asterisk: int, places: Places) -> None:
    match action:
        case ShutdownAction.DRAIN:
            # Both commands return at once; if Asterisk does not listen, they never do, and the end
            # of the drain is their deadline. They are reaped like any child process.
            spawn(places.command("-rx", f"dialplan set global {DRAINING} yes"))
            spawn(places.command("-rx", "core stop when convenient"))
        case ShutdownAction.STOP:
            os.kill(asterisk, signal.SIGTERM)
        case ShutdownAction.KILL:
            os.kill(asterisk, signal.SIGKILL)


def spawn(command: tuple[str, ...], output: Path | None = None) -> int:
    """Start a child process with default signal handling (Python ignores SIGPIPE); its id.

    Args:
        output: where its standard output goes; None: where that of this process does.
    """
    actions = (
        [(os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
        if output
        else []
    )
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=actions,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE,),
    )


def _reap() -> dict[int, int]:
    """Reap all ended child processes: exit codes by process id."""
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
