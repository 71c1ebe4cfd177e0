"""Notices calls that hang because their media pod froze, and frees what they hold.

chan_websocket waits for the answer to its handshake without a deadline, with the caller's channel
locked (Asterisk 22.10). If a media pod accepts the connection and then never answers, the thread,
the channel and its RTP ports stay, also after the caller has hung up, until the connection ends.
Other calls go on (tests/asterisk/test_stuck_calls.py). `core show hanguphandlers all` locks every
channel in turn, so it hangs as well; `core show channels concise` locks none, and names them.

State machine, which uses no clock and no processes:

    state      event                     next state   action
    IDLE       poll, `INTERVAL_S` later  LOCKS        run the command that locks
    LOCKS      it ended                  IDLE         no channel is locked
    LOCKS      `DEADLINE_S` later        CHANNELS     kill it, list the channels
    CHANNELS   it ended                  IDLE         log the calls that hang
    CHANNELS   `DEADLINE_S` later        IDLE         kill it

A restart is due once calls that hung in two rounds are the only ones left: it ends no conversation.
"""

import logging
import os
import signal
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from asterisk_config.places import Places

log = logging.getLogger(__name__)

INTERVAL_S: Final = 5.0
"""Between rounds, in seconds."""
DEADLINE_S: Final = 3.0
"""Of a command, in seconds; it takes some 10 ms."""
_LOCKS: Final = "core show hanguphandlers all"
_CHANNELS: Final = "core show channels concise"
_NOWHERE: Final = Path("/dev/null")
_FEWEST_FIELDS: Final = 14


class Round(Enum):
    IDLE = "idle"
    LOCKS = "locks"
    CHANNELS = "channels"


class StuckCalls:
    """Watches a running Asterisk.

    Args:
        places: paths of Asterisk.
        spawn: starts a command with its output to a file, and returns its process id.
    """

    def __init__(self, places: Places, spawn: Callable[[tuple[str, ...], Path], int]) -> None:
        self._places = places
        self._spawn = spawn
        self._state = Round.IDLE
        self._since_s: float | None = None
        self._child: int | None = None
        self._stuck: frozenset[str] = frozenset()
        self.restart_due = False
        """Whether all calls that are left hang."""

    def poll(self, now_s: float) -> None:
        """Call it about once a second."""
        if self._since_s is None:
            self._since_s = now_s
        waited_s = now_s - self._since_s
        match self._state:
            case Round.IDLE if waited_s >= INTERVAL_S:
                self._run(Round.LOCKS, _LOCKS, _NOWHERE, now_s)
            case Round.LOCKS if waited_s >= DEADLINE_S:
                self._kill()
                self._run(Round.CHANNELS, _CHANNELS, self._list, now_s)
            case Round.CHANNELS if waited_s >= DEADLINE_S:
                self._kill()
                self._state, self._since_s = Round.IDLE, now_s

    def ended(self, codes: Mapping[int, int]) -> None:
        """Child processes have ended: exit codes by process id."""
        if self._child is None or self._child not in codes:
            return
        if self._state is Round.CHANNELS and codes[self._child] == 0:
            self._found(self._list.read_text(errors="replace"))
        elif self._state is Round.LOCKS and codes[self._child] == 0:
            self._stuck = frozenset()
        self._child, self._state = None, Round.IDLE

    @property
    def _list(self) -> Path:
        return self._places.run / "channels"

    def _run(self, state: Round, command: str, output: Path, now_s: float) -> None:
        self._state, self._since_s = state, now_s
        self._child = self._spawn(self._places.command("-rx", command), output)

    def _kill(self) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
            self._child = None  # what ends later has no meaning

    def _found(self, listed: str) -> None:
        present, stuck = parse_channels(listed)
        for uniqueid in sorted(stuck.keys() - self._stuck):
            log.error(
                "call %s hangs: its media pod accepted %s and does not answer; end that pod",
                *(uniqueid, stuck[uniqueid]),
            )
        self.restart_due = bool(present) and present <= (self._stuck & stuck.keys())
        self._stuck = frozenset(stuck)
        if self.restart_due:
            log.error("no call is left but %d that hang: restarting Asterisk", len(stuck))


def parse_channels(listed: str) -> tuple[set[str], dict[str, str]]:
    """Callers in the output of `core show channels concise`, by their unique id; of those that wait
    for a media pod, what they dial."""
    present: set[str] = set()
    stuck: dict[str, str] = {}
    for line in listed.splitlines():
        fields = line.split("!")
        if len(fields) < _FEWEST_FIELDS or fields[0].startswith("WebSocket/"):
            continue
        application, data, bridge, uniqueid = fields[5], fields[6], fields[-2], fields[-1]
        present.add(uniqueid)
        if application == "Dial" and data.startswith("WebSocket/") and not bridge:
            stuck[uniqueid] = "/".join(data.split("/")[:2])
    return present, stuck
