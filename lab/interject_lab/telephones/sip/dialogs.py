"""One call's SIP dialog with events to wait for: outgoing and incoming calls."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from aiosipua import DialogState, IncomingCall, OutgoingCall, SdpMessage, SipRequest, SipUAC

from interject_lab.errors import LabError
from interject_lab.telephones.sip.transport import Transport, within

RESPONSE_DEADLINE_S = 5.0
"""For any response at all; on one machine it takes milliseconds."""
BYE_DEADLINE_S = 2.0

Reoffer = Callable[[SdpMessage | None], SdpMessage]
"""The answer to an offer that comes during a call; None asks for an offer of one's own."""


@dataclass(slots=True, eq=False, kw_only=True)
class Dialog(ABC):
    """What both kinds have."""

    transport: Transport
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side hung up, or took the call back before it was answered."""
    _reoffer: Reoffer | None = None
    _offered: IncomingCall | None = None
    """An offer during the call that came before anyone could answer it; the last one."""

    async def hang_up(self) -> None:
        """End the call if it stands, and wait until the other side knows or the deadline."""
        bye = self._bye()
        if bye is not None and not self.ended.is_set():
            await self.transport.answer_to(bye, BYE_DEADLINE_S)

    def answer_offers(self, reoffer: Reoffer) -> None:
        """From now on offers during the call are answered by `reoffer`."""
        self._reoffer = reoffer
        if self._offered is not None:
            self.offered(self._offered)

    def offered(self, offer: IncomingCall) -> None:
        """Take an offer that came during the call (a re-INVITE)."""
        if self._reoffer is None:
            self._offered = offer
            return
        try:
            offer.accept(self._reoffer(offer.sdp_offer))
        except LabError:
            offer.reject(488)
            # For the library the dialog ends with that; it goes on as it was (RFC 3261, 14.2).
            offer.dialog.state = DialogState.CONFIRMED

    @abstractmethod
    def _bye(self) -> SipRequest | None:
        """Send a BYE if the call stands; the BYE."""


@dataclass(slots=True, eq=False, kw_only=True)
class OutgoingDialog(Dialog):
    """A call that this telephone makes."""

    call: OutgoingCall
    uac: SipUAC
    ringing: asyncio.Event
    proceeding: asyncio.Event = field(default_factory=asyncio.Event)
    """The server works on it."""
    final: asyncio.Event = field(default_factory=asyncio.Event)
    """It was answered or rejected: `status` and `reason` say how."""
    status: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        self.call.on_ringing = lambda call: self.ringing.set()
        self.call.on_answer = lambda call: self._conclude(200, "OK")
        self.call.on_rejected = lambda call, status, reason: self._conclude(status, reason)

    @property
    def answered(self) -> bool:
        """The call came about."""
        return 200 <= self.status < 300

    async def cancel(self) -> None:
        """Take the call back. It may be answered before that: then `answered` says so.

        Raises:
            LabError: the server does not conclude the call.
        """
        # A CANCEL has to wait for a first response (RFC 3261, 9.1). The library would forget the
        # call with its CANCEL, and leave an answer that crosses it without ACK and BYE.
        waits = self.proceeding.wait(), self.final.wait()
        await first_of(*waits, within_s=RESPONSE_DEADLINE_S)
        if not self.final.is_set():
            self.transport.send(within(self.call.invite, "CANCEL", None), self.call.remote_addr)
        if not await first_of(self.final.wait(), within_s=RESPONSE_DEADLINE_S):
            host, port = self.call.remote_addr
            raise LabError(
                f"{host}:{port} did not conclude a cancelled call within"
                f" {RESPONSE_DEADLINE_S:.0f} s: look at its log"
            )

    def _conclude(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        self.final.set()

    def _bye(self) -> SipRequest | None:
        return self.call.hangup(self.uac)


@dataclass(slots=True, eq=False, kw_only=True)
class IncomingDialog(Dialog):
    """A call that came."""

    call: IncomingCall

    def reject(self, status: int) -> None:
        """Refuse it, with a SIP status from 400 on."""
        self.call.reject(status)
        self.ended.set()

    def _bye(self) -> SipRequest | None:
        return self.call.hangup()


async def first_of(*waits: Coroutine[Any, Any, Any], within_s: float | None = None) -> bool:
    """Run `waits` until one of them ends or `within_s` has passed; whether one has ended.

    The others are cancelled. What the one that ended raises is raised.
    """
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
