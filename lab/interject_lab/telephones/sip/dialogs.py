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
"""For the first response; on one machine it takes milliseconds."""
BYE_DEADLINE_S = 2.0

Reoffer = Callable[[SdpMessage | None], SdpMessage]
"""Returns the answer to an SDP offer of a re-INVITE; without an offer, one of our own."""


@dataclass(slots=True, eq=False, kw_only=True)
class Dialog(ABC):
    """The common part of outgoing and incoming dialogs."""

    transport: Transport
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side hung up, or cancelled before the answer."""
    _reoffer: Reoffer | None = None
    _offered: IncomingCall | None = None
    """The last re-INVITE that arrived before `answer_offers`."""

    async def hang_up(self) -> None:
        """Send a BYE for an answered call, and wait for the response or the deadline."""
        bye = self._bye()
        if bye is not None and not self.ended.is_set():
            await self.transport.answer_to(bye, BYE_DEADLINE_S)

    def answer_offers(self, reoffer: Reoffer) -> None:
        """Answer re-INVITEs by `reoffer` from now on."""
        self._reoffer = reoffer
        if self._offered is not None:
            self.offered(self._offered)

    def offered(self, offer: IncomingCall) -> None:
        """Handle a re-INVITE."""
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
        """Send a BYE for an answered call; returns it."""


@dataclass(slots=True, eq=False, kw_only=True)
class OutgoingDialog(Dialog):
    """An outgoing call."""

    call: OutgoingCall
    uac: SipUAC
    ringing: asyncio.Event
    proceeding: asyncio.Event = field(default_factory=asyncio.Event)
    """A provisional response arrived."""
    final: asyncio.Event = field(default_factory=asyncio.Event)
    """A final response arrived: see `status` and `reason`."""
    status: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        self.call.on_ringing = lambda call: self.ringing.set()
        self.call.on_answer = lambda call: self._conclude(200, "OK")
        self.call.on_rejected = lambda call, status, reason: self._conclude(status, reason)

    @property
    def answered(self) -> bool:
        """The call was answered."""
        return 200 <= self.status < 300

    async def cancel(self) -> None:
        """Cancel the call. An answer may cross the CANCEL: then `answered` is true.

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
                f" {RESPONSE_DEADLINE_S:.0f} s: check its log"
            )

    def _conclude(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        self.final.set()

    def _bye(self) -> SipRequest | None:
        return self.call.hangup(self.uac)


@dataclass(slots=True, eq=False, kw_only=True)
class IncomingDialog(Dialog):
    """An incoming call."""

    call: IncomingCall

    def reject(self, status: int) -> None:
        """Reject it with a SIP status of 400 or more."""
        self.call.reject(status)
        self.ended.set()

    def _bye(self) -> SipRequest | None:
        return self.call.hangup()


async def first_of(*waits: Coroutine[Any, Any, Any], within_s: float | None = None) -> bool:
    """Run `waits` until one finishes or `within_s` has passed; whether one finished.

    The others are cancelled. An exception of the finished one is raised.
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
