"""Who may have a slot of this pod, and what to answer once a call's AudioSocket has returned.

Pure bookkeeping: no clock, no sockets; `now_s` is any clock that does not go backwards. A call is
in one of these states, and holds a slot in the first two:

    RESERVED   promised: its AudioSocket has to come before `expires_s`
    CONNECTED  its AudioSocket is here
    LOST       it was connected, and its end was not the bot's: it may come again
    DONE       over for good: the bot said goodbye, or the caller hung up

    from       call           to          rule
    unknown    reserve        RESERVED    not when draining (Draining) nor without a slot (Full)
    RESERVED   reserve        RESERVED    the same slot, promised anew
    CONNECTED  reserve        -           StillConnected: the end of the old connection comes first
    LOST       reserve        RESERVED    also when draining: this caller is in mid-conversation
    DONE       reserve        RESERVED    as unknown: a dialplan may use its UUID twice
    RESERVED   connect        CONNECTED
    CONNECTED  connect        -           StillConnected
    others     connect        -           Unreserved
    CONNECTED  finish         LOST, DONE  by who ended it; DONE stays DONE after `goodbye`
    RESERVED   expires        forgotten   LOST, if it had been connected before
    any        hang_up        DONE        at once when RESERVED; CONNECTED waits for `finish`

Asterisk may ask what is next before the pod has seen the end of file, so `goodbye` says in
advance how the call will have ended, and where in the dialplan it goes on. A caller who hangs up
goes nowhere any more.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from media_pod.dialogues.ports import CallInfo
from media_pod.errors import InterjectError

REMEMBERED_PER_SLOT = 16
"""Ended calls kept per slot, the oldest forgotten first: at three minutes a call that is three
quarters of an hour, and `call-next` asks within seconds."""


class AdmissionError(InterjectError):
    """A call that gets no slot."""


class FullError(AdmissionError):
    """Every slot is taken; trying again makes sense after `retry_after_s` seconds."""

    def __init__(self, slots: int, retry_after_s: float) -> None:
        super().__init__(f"all {slots} slots are taken")
        self.retry_after_s = retry_after_s


class DrainingError(AdmissionError):
    """The pod takes no new calls any more."""

    def __init__(self) -> None:
        super().__init__("the pod is draining and takes no new calls")


class StillConnectedError(AdmissionError):
    """The call has a live AudioSocket here; a second one would be somebody else's."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"call {uuid} is connected already; its connection has to end first")


class UnreservedError(AdmissionError):
    """An AudioSocket with a UUID that was never announced, or whose reservation is over."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"call {uuid} has no reservation; ask /api/call-start for one first")


class State(Enum):
    RESERVED = "reserved"
    CONNECTED = "connected"
    LOST = "lost"
    DONE = "done"


class Step(Enum):
    """The kinds of `Next`."""

    DONE = "done"
    """Go on after the conversation."""
    CONNECT = "connect"
    """Connect (again): a slot is reserved."""
    GOTO = "goto"
    """The agent sends the caller on, to another place of the dialplan."""


@dataclass(frozen=True, slots=True)
class Next:
    """What the dialplan does after AudioSocket has returned."""

    step: Step
    goto: str = ""
    """`context,exten,priority`; "" unless `step` is GOTO."""
    address: str = ""
    """`host:port` to connect to; "" unless `step` is CONNECT, and meaning this pod then."""


DONE = Next(Step.DONE)
CONNECT = Next(Step.CONNECT)


class Ended(Enum):
    """Who ended a connection, as far as `call-next` is concerned."""

    BOT = "bot"
    """The bot said goodbye."""
    OTHER = "other"
    """End of file, reset, stall, nonsense: the caller left, or the connection broke."""


@dataclass(slots=True)
class Admitted:
    """One call that holds a slot."""

    info: CallInfo
    slot: int
    since_s: float
    """When its first reservation was made."""
    expires_s: float
    """End of the reservation; infinite once connected."""
    connected: bool = False
    connected_before: bool = False
    done: bool = False
    """The bot's goodbye or the caller's hang-up is known; the end of file is not here yet."""
    goto: str = ""
    """Where the bot sends the caller, as `Next.goto`."""


@dataclass(frozen=True, slots=True)
class _Past:
    """A call that holds no slot any more."""

    state: State
    info: CallInfo
    goto: str = ""


class Admission:
    """The slots of one pod.

    Args:
        slots: calls at most, numbered from 0.
        reservation_s: how long a slot waits for its AudioSocket, in seconds.
    """

    def __init__(self, slots: int, reservation_s: float) -> None:
        self._slots = slots
        self._reservation_s = reservation_s
        self._free = list(range(slots - 1, -1, -1))
        self._admitted: dict[str, Admitted] = {}
        self._ended: OrderedDict[str, _Past] = OrderedDict()
        self._draining = False

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def admitted(self) -> tuple[Admitted, ...]:
        """Calls that hold a slot, the oldest first."""
        return tuple(self._admitted.values())

    def get(self, uuid: str) -> Admitted | None:
        """The call `uuid` if it holds a slot."""
        return self._admitted.get(uuid)

    def state(self, uuid: str) -> State | None:
        """Where `uuid` stands, None if it is unknown here."""
        if call := self._admitted.get(uuid):
            if call.done:
                return State.DONE
            return State.CONNECTED if call.connected else State.RESERVED
        past = self._ended.get(uuid)
        return past.state if past else None

    def reserve(self, info: CallInfo, now_s: float) -> Admitted:
        """Take a slot for a call, or renew its reservation.

        A lost call that comes again without numbers keeps those it came with first.

        Raises:
            StillConnectedError: its AudioSocket is here.
            DrainingError: a call unknown so far, and the pod drains.
            FullError: no slot is free.
        """
        self.sweep(now_s)
        if call := self._admitted.get(info.uuid):
            if call.connected:
                raise StillConnectedError(info.uuid)
            call.expires_s = now_s + self._reservation_s
            return call
        past = self._ended.get(info.uuid)
        lost = past is not None and past.state is State.LOST
        if self._draining and not lost:
            raise DrainingError
        if not self._free:
            raise FullError(self._slots, self._until_next_expiry(now_s))
        self._ended.pop(info.uuid, None)
        call = Admitted(
            past.info if past and lost and not info.from_number else info,
            slot=self._free.pop(),
            since_s=now_s,
            expires_s=now_s + self._reservation_s,
            connected_before=lost,
        )
        self._admitted[info.uuid] = call
        return call

    def next(self, info: CallInfo, now_s: float) -> Next:
        """What follows after AudioSocket has returned, or before its first connection.

        Raises:
            AdmissionError: as `reserve`, if the conversation is not over.
        """
        if self.state(info.uuid) is State.DONE:
            ended = self._admitted.get(info.uuid) or self._ended[info.uuid]
            return Next(Step.GOTO, ended.goto) if ended.goto else DONE
        self.reserve(info, now_s)
        return CONNECT

    def connect(self, uuid: str, now_s: float) -> Admitted:
        """The AudioSocket of `uuid` is here: its slot is its own until `finish`.

        Raises:
            UnreservedError: nobody announced it, or too long ago.
            StillConnectedError: a second AudioSocket of a running call.
        """
        self.sweep(now_s)
        call = self._admitted.get(uuid)
        if call is None:
            raise UnreservedError(uuid)
        if call.connected:
            raise StillConnectedError(uuid)
        call.connected = True
        call.expires_s = math.inf
        return call

    def goodbye(self, uuid: str, goto: str = "") -> None:
        """The bot ends the connected call `uuid`: from now on `call-next` is answered "done".

        Args:
            goto: where in the dialplan the caller goes on, `context,exten,priority`; "" for
                nowhere.
        """
        call = self._admitted.get(uuid)
        if call is not None and call.connected:
            call.done, call.goto = True, goto

    def hang_up(self, uuid: str) -> State | None:
        """The dialplan says that the caller is gone. Returns what `uuid` was until now.

        A reservation is given back; a connected call keeps its slot until `finish`.
        """
        before = self.state(uuid)
        call = self._admitted.get(uuid)
        if call is not None and call.connected:
            call.done, call.goto = True, ""
        elif call is not None:
            self._release(call, State.DONE)
        elif past := self._ended.get(uuid):
            self._remember(_Past(State.DONE, past.info))
        return before

    def finish(self, uuid: str, ended: Ended) -> None:
        """The connection of `uuid` is over and its slot free. No effect on other calls."""
        call = self._admitted.get(uuid)
        if call is None or not call.connected:
            return
        done = call.done or ended is Ended.BOT
        self._release(call, State.DONE if done else State.LOST)

    def drain(self) -> None:
        """Take no unknown calls from now on. There is no way back."""
        self._draining = True

    def sweep(self, now_s: float) -> tuple[Admitted, ...]:
        """Give back the slots whose AudioSocket did not come in time, and return those calls."""
        late = tuple(call for call in self._admitted.values() if call.expires_s <= now_s)
        for call in late:
            self._release(call, State.LOST if call.connected_before else None)
        return late

    def _release(self, call: Admitted, state: State | None) -> None:
        del self._admitted[call.info.uuid]
        self._free.append(call.slot)
        if state is not None:
            self._remember(_Past(state, call.info, call.goto))

    def _remember(self, past: _Past) -> None:
        self._ended[past.info.uuid] = past
        self._ended.move_to_end(past.info.uuid)
        if len(self._ended) > self._slots * REMEMBERED_PER_SLOT:
            self._ended.popitem(last=False)

    def _until_next_expiry(self, now_s: float) -> float:
        """Seconds until a slot may be free: the first reservation to expire, else a guess.

        A running call's end is unknown; with all slots in calls one ends every few seconds, and
        callers wait no longer than a reservation anyway.
        """
        first = min(call.expires_s for call in self._admitted.values())
        return min(first - now_s, self._reservation_s)
