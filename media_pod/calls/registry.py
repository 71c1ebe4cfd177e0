"""The one record of a pod's calls: who has a slot, in which state, by which connection.

The HTTP API, the clock, drain and logs ask here and keep no list of their own. No clock and no
sockets: `now_s` is any clock that does not go backwards.

    state      slot  meaning
    RESERVED   yes   its audio connection has to come before `expires_s`
    CONNECTED  yes   its audio connection is here
    CLOSING    yes   the bot said goodbye or the caller hung up; the end of file is not here yet
    LOST       no    it was connected, and its end was not the bot's: it may come again
    DONE       no    over for good

Rules; `TABLE` has the transitions:

- A reservation that is asked for again keeps its slot and gets a new deadline.
- While the pod drains, only a LOST call gets a slot: its caller is in mid-conversation. A call that
  is not known, or DONE (a dialplan may use its UUID twice), gets `DrainingError`.
- A call that is connected gets no second connection: the end of the old one comes first.
- A reservation that expires is forgotten, or LOST again if the call had been connected before.
- A dialplan that refuses a transfer asks again with the variable `refused_transfer`: its caller is
  still there, so the call goes on as a LOST one, and the agent learns of the refusal.
- Asterisk may ask what is next before the pod has seen the end of file, so `goodbye` records in
  advance how the call will have ended, and where in the dialplan it goes on. A caller who hangs up
  goes nowhere.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from media_pod.call.call import Call
from media_pod.call.events import CallRef
from media_pod.calls.answers import (
    CONNECT,
    DONE,
    DrainingError,
    FullError,
    Next,
    NextStep,
    StillConnectedError,
    UnreservedError,
)
from media_pod.dialogues.ports import REFUSED_TRANSFER, CallInfo
from media_pod.duplex.contract import Decision
from media_pod.transport.line import MediaLine
from media_pod.transport.reframing import CallerStream

REMEMBERED_PER_SLOT: Final = 16
"""Calls kept per slot after their end, the oldest dropped first: at three minutes a call that is
three quarters of an hour, and `call-next` asks within seconds."""


class CallState(Enum):
    """Where a call is; see the module."""

    RESERVED = "reserved"
    CONNECTED = "connected"
    CLOSING = "closing"
    LOST = "lost"
    DONE = "done"


class CallChange(Enum):
    """What can happen to a call."""

    RESERVE = "reserve"
    CONNECT = "connect"
    GOODBYE = "goodbye"
    """The bot hangs up."""
    HANG_UP = "hang up"
    """The dialplan says that the caller is gone."""
    REFUSE = "refuse"
    """The dialplan does not transfer the caller to where the bot sent them."""
    FINISH = "finish"
    """The connection is over."""


_S, _C = CallState, CallChange  # the table is read more often than these names

TABLE: Final[Mapping[tuple[CallState | None, CallChange], CallState]] = MappingProxyType(
    {
        (None, _C.RESERVE): _S.RESERVED,
        (_S.RESERVED, _C.RESERVE): _S.RESERVED,
        (_S.LOST, _C.RESERVE): _S.RESERVED,
        (_S.DONE, _C.RESERVE): _S.RESERVED,
        (_S.RESERVED, _C.CONNECT): _S.CONNECTED,
        (_S.CONNECTED, _C.GOODBYE): _S.CLOSING,
        (_S.CLOSING, _C.GOODBYE): _S.CLOSING,
        (_S.RESERVED, _C.HANG_UP): _S.DONE,
        (_S.CONNECTED, _C.HANG_UP): _S.CLOSING,
        (_S.CLOSING, _C.HANG_UP): _S.CLOSING,
        (_S.LOST, _C.HANG_UP): _S.DONE,
        (_S.DONE, _C.HANG_UP): _S.DONE,
        (_S.DONE, _C.REFUSE): _S.LOST,
        (_S.CONNECTED, _C.FINISH): _S.LOST,
        (_S.CLOSING, _C.FINISH): _S.DONE,
    }
)
"""A change that is not listed for a state is refused, or has no effect."""

_CONNECTED: Final = (_S.CONNECTED, _S.CLOSING)


@dataclass(slots=True)
class Leg:
    """One connection of a call, as the clock ticks it."""

    slot: int
    connection: MediaLine
    call: Call
    stream: CallerStream
    decision: Decision = Decision.NONE
    failed: bool = False
    """The call raised, which is a bug of ours or of its agent's."""


@dataclass(slots=True)
class RegisteredCall:
    """One call that holds a slot."""

    info: CallInfo
    slot: int
    since_s: float
    """When its first reservation was made."""
    expires_s: float
    """End of the reservation; infinite once connected."""
    state: CallState = CallState.RESERVED
    connected_before: bool = False
    goto: str = ""
    """Where the bot sends the caller, as `Next.goto`."""
    span_id: int = 0
    """Of the connection's trace span; 0 before it is connected."""
    leg: Leg | None = None
    """Its connection, once the conversation has begun."""

    @property
    def ref(self) -> CallRef:
        """What its events are published with."""
        return CallRef(self.info, self.span_id)


class CallRegistry:
    """The calls of one pod.

    Args:
        slots: calls at most, numbered from 0.
        reservation_s: how long a slot waits for its audio connection, in seconds.
    """

    def __init__(self, slots: int, reservation_s: float) -> None:
        self.slots = slots
        self.draining = False
        self.legs: dict[int, Leg] = {}
        """The connections that are ticked, by slot."""
        self._reservation_s = reservation_s
        self._free = list(range(slots - 1, -1, -1))
        self._present: dict[str, RegisteredCall] = {}
        self._past: OrderedDict[str, RegisteredCall] = OrderedDict()

    @property
    def present(self) -> tuple[RegisteredCall, ...]:
        """Calls that hold a slot, the oldest first."""
        return tuple(self._present.values())

    def get(self, uuid: str) -> RegisteredCall | None:
        """The call `uuid` if it holds a slot."""
        return self._present.get(uuid)

    def known(self, uuid: str) -> RegisteredCall | None:
        """The call `uuid` if it holds a slot, or did lately."""
        return self._present.get(uuid) or self._past.get(uuid)

    def state(self, uuid: str) -> CallState | None:
        """Where `uuid` is, None if it is unknown here."""
        call = self.known(uuid)
        return None if call is None else call.state

    def reserve(self, info: CallInfo, now_s: float) -> RegisteredCall:
        """Take a slot for a call, or renew its reservation.

        A call that is known keeps the numbers and variables that it came with, where the new
        question has none.

        Raises:
            StillConnectedError: its audio connection is here.
            DrainingError: the pod drains, and the call is not LOST.
            FullError: no slot is free.
        """
        self.sweep(now_s)
        expires_s = now_s + self._reservation_s
        if call := self._present.get(info.uuid):
            if call.state in _CONNECTED:
                raise StillConnectedError(info.uuid)
            call.info = _same_call(call.info, info)
            call.expires_s = expires_s
            return call
        past = self._past.get(info.uuid)
        lost = past is not None and past.state is CallState.LOST
        if self.draining and not lost:
            raise DrainingError
        if not self._free:
            raise FullError(self.slots, self._until_next_expiry(now_s))
        if past is not None:
            del self._past[info.uuid]
            if lost:
                info = _same_call(past.info, info)
        call = RegisteredCall(info, self._free.pop(), now_s, expires_s, connected_before=lost)
        self._present[info.uuid] = call
        return call

    def next(self, info: CallInfo, now_s: float) -> Next:
        """What follows after AudioSocket has returned, or before its first connection.

        Raises:
            AdmissionError: as `reserve`, if the conversation is not over. StillConnectedError also
                while a call whose transfer was refused has not been seen to end here.
        """
        call = self.known(info.uuid)
        if call is not None and call.state in (CallState.CLOSING, CallState.DONE):
            if not call.goto:
                return DONE
            if info.variables.get(REFUSED_TRANSFER) != call.goto:
                return Next(NextStep.GOTO, call.goto)
            if not self._change(call, CallChange.REFUSE):
                raise StillConnectedError(info.uuid)
            call.goto = ""
            info = replace(info, variables={**call.info.variables, **info.variables})
        self.reserve(info, now_s)
        return CONNECT

    def connect(self, uuid: str, now_s: float) -> RegisteredCall:
        """The audio connection of `uuid` is here: its slot is its own until `finish`.

        Raises:
            UnreservedError: it was never reserved, or too long ago.
            StillConnectedError: a second connection of a running call.
        """
        self.sweep(now_s)
        call = self._present.get(uuid)
        if call is None:
            raise UnreservedError(uuid)
        if call.state in _CONNECTED:
            raise StillConnectedError(uuid)
        self._change(call, CallChange.CONNECT)
        call.expires_s = math.inf
        return call

    def attach(self, call: RegisteredCall, leg: Leg) -> None:
        """The conversation of a connected call begins: `leg` is ticked until `finish`."""
        call.leg = self.legs[call.slot] = leg

    def goodbye(self, uuid: str, goto: str = "") -> None:
        """The bot ends the connected call `uuid`: from now on `call-next` is answered "done".

        Args:
            goto: where in the dialplan the caller goes on, `context,exten,priority`; "" for
                nowhere.
        """
        call = self._present.get(uuid)
        if call is not None and self._change(call, CallChange.GOODBYE):
            call.goto = goto

    def hang_up(self, uuid: str) -> CallState | None:
        """The dialplan says that the caller is gone. Returns what `uuid` was until now.

        A reservation is given back; a connected call keeps its slot until `finish`.
        """
        before, call = self.state(uuid), self.known(uuid)
        if call is not None and self._change(call, CallChange.HANG_UP):
            call.goto = ""
            if before is CallState.RESERVED:
                self._release(call)
        return before

    def finish(self, uuid: str) -> None:
        """The connection of `uuid` is over and its slot free. No effect on other calls."""
        call = self._present.get(uuid)
        if call is not None and self._change(call, CallChange.FINISH):
            self._release(call)

    def drain(self) -> None:
        """Take no new calls from now on. There is no way back."""
        self.draining = True

    def sweep(self, now_s: float) -> tuple[RegisteredCall, ...]:
        """Give back the slots whose connection did not come in time, and return those calls."""
        late = tuple(call for call in self._present.values() if call.expires_s <= now_s)
        for call in late:
            call.state = CallState.LOST
            self._release(call)
            if not call.connected_before:
                del self._past[call.info.uuid]
        return late

    def _change(self, call: RegisteredCall, change: CallChange) -> bool:
        """Move on as the table says; whether it lists the change."""
        after = TABLE.get((call.state, change))
        if after is not None:
            call.state = after
        return after is not None

    def _release(self, call: RegisteredCall) -> None:
        del self._present[call.info.uuid]
        self.legs.pop(call.slot, None)
        call.leg = None
        self._free.append(call.slot)
        self._past[call.info.uuid] = call
        self._past.move_to_end(call.info.uuid)
        if len(self._past) > self.slots * REMEMBERED_PER_SLOT:
            self._past.popitem(last=False)

    def _until_next_expiry(self, now_s: float) -> float:
        """Seconds until a slot may be free: the first reservation to expire, else a guess.

        The end of a running call is unknown. With all slots in calls one ends every few seconds,
        and callers wait no longer than a reservation anyway.
        """
        first = min(call.expires_s for call in self._present.values())
        return min(first - now_s, self._reservation_s)


def _same_call(before: CallInfo, now: CallInfo) -> CallInfo:
    """`now`, with the numbers and variables that the call came with where it has none."""
    return replace(
        now,
        from_number=now.from_number or before.from_number,
        to_number=now.to_number or before.to_number,
        variables=now.variables or before.variables,
    )
