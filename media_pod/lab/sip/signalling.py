"""The SIP side of a telephone: calls out, calls in, and a place in a registrar's book.

The library keeps dialogs and digests; this file turns its callbacks into things to wait for.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosipua import (
    IncomingCall,
    OutgoingCall,
    Registration,
    RegistrationState,
    SdpMessage,
    SipDigestAuth,
    SipRequest,
    SipResponse,
    SipUAC,
    SipUAS,
)
from aiosipua.transport import MessageCallback

from media_pod.lab.errors import LabError
from media_pod.lab.sip.transport import Transport, within
from media_pod.lab.sip.waiting import first_of

RESPONSE_DEADLINE_S = 5.0
"""For any response at all; on one machine it takes milliseconds."""
BYE_DEADLINE_S = 2.0
MAX_CALLS = 4
"""Calls that came and wait to be answered; the next hears that the telephone is busy."""
REGISTERED_S = 300

Reoffer = Callable[[SdpMessage | None], SdpMessage]
"""The answer to an offer that comes during a call; None asks for an offer of one's own."""


@dataclass(frozen=True, slots=True)
class Account:
    """One endpoint of a SIP server."""

    user: str
    password: str
    """Empty for an endpoint without authentication."""
    server_host: str
    server_port: int

    @property
    def server(self) -> tuple[str, int]:
        """Where requests go."""
        return self.server_host, self.server_port

    @property
    def uri(self) -> str:
        """The address of record."""
        return f"sip:{self.user}@{self.server_host}"

    @property
    def digest(self) -> SipDigestAuth | None:
        """What challenges are answered with."""
        return SipDigestAuth(self.user, self.password) if self.password else None


@dataclass(slots=True, eq=False)
class Dialled:
    """A call that this telephone makes."""

    call: OutgoingCall
    uac: SipUAC
    transport: Transport
    ringing: asyncio.Event
    proceeding: asyncio.Event = field(default_factory=asyncio.Event)
    """The server works on it."""
    final: asyncio.Event = field(default_factory=asyncio.Event)
    """It was answered or rejected: `status` and `reason` say how."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side hung up."""
    status: int = 0
    reason: str = ""
    reoffer: Reoffer | None = None

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

    async def hang_up(self) -> None:
        """End the call if it stands, and wait until the other side knows or the deadline."""
        bye = self.call.hangup(self.uac)
        if bye is not None and not self.ended.is_set():
            await self.transport.answer_to(bye, BYE_DEADLINE_S)

    def _conclude(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        self.final.set()


@dataclass(slots=True, eq=False)
class Received:
    """A call that came."""

    call: IncomingCall
    transport: Transport
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """The other side hung up, or took the call back before it was answered."""
    reoffer: Reoffer | None = None

    async def hang_up(self) -> None:
        """End the call if it stands, and wait until the other side knows or the deadline."""
        bye = self.call.hangup()
        if bye is not None and not self.ended.is_set():
            await self.transport.answer_to(bye, BYE_DEADLINE_S)


Leg = Dialled | Received


class Signalling:
    """One SIP socket; see `signalling`."""

    def __init__(self, *, answers: bool) -> None:
        self._transport = Transport()
        self._uac = SipUAC(self._transport)
        self._uas = SipUAS(self._transport, uac=self._uac)
        self._uas.on_invite = self._invited
        self._uas.on_reinvite = self._reinvited
        self._uas.on_bye = lambda call, request: self._ended(call.call_id)
        self._uas.on_cancel = lambda request, addr: self._ended(request.call_id or "")
        self._calls: deque[Received] = deque()
        self._max_calls = MAX_CALLS if answers else 0
        self.called = asyncio.Event()
        """A call has come: `next_call` gives it."""
        self._legs: dict[str, Leg] = {}
        """By Call-ID; as many as one telephone makes and takes."""
        self._news = asyncio.Event()
        self._pass_on: MessageCallback | None = None
        """The library's own reading of messages."""

    @property
    def address(self) -> tuple[str, int]:
        """Where calls to this telephone go."""
        return self._transport.local_addr

    async def start(self) -> None:
        """Open the socket."""
        await self._uas.start()
        self._pass_on = self._transport.on_message
        self._transport.on_message = self._came

    async def stop(self) -> None:
        """Close the socket."""
        await self._uas.stop()
        # The library cancels its timers and does not wait for them.
        await asyncio.sleep(0)

    def dial(
        self, account: Account, extension: str, offer: SdpMessage, ringing: asyncio.Event
    ) -> Dialled:
        """Call `extension` at the account's server; `ringing` is set if it rings there."""
        host, port = account.server
        call = self._uac.send_invite(
            account.uri,
            f"sip:{extension}@{host}:{port}",
            account.server,
            offer,
            auth=account.digest,
        )
        dialled = Dialled(call, self._uac, self._transport, ringing)
        self._legs[call.call_id] = dialled
        return dialled

    def next_call(self) -> Received | None:
        """The call that came first and was not given yet; None without one."""
        received = self._calls.popleft() if self._calls else None
        if not self._calls:
            self.called.clear()
        return received

    @asynccontextmanager
    async def registration(self, account: Account) -> AsyncIterator[None]:
        """Stand in the book of the account's server meanwhile.

        Raises:
            LabError: the server does not answer, or does not want it.
        """
        refused: list[str] = []
        entry = Registration(
            self._uac, account.uri, account.server, expires=REGISTERED_S, auth=account.digest
        )
        entry.on_failed = lambda _, status, reason: refused.append(f"{status} {reason}")
        entry.register()
        where = f"{account.server_host}:{account.server_port}"
        if not await self._comes_to(entry, RegistrationState.REGISTERED):
            said = refused[0] if refused else f"nothing within {RESPONSE_DEADLINE_S:.0f} s"
            raise LabError(
                f"{where} said {said} to the registration of {account.user}:"
                " look at the endpoint's aor and auth there"
            )
        try:
            yield
        finally:
            entry.unregister()
            # Without an answer the entry ends with its time.
            await self._comes_to(entry, RegistrationState.UNREGISTERED)

    async def _comes_to(self, entry: Registration, state: RegistrationState) -> bool:
        async def wait() -> None:
            while entry.state not in (state, RegistrationState.FAILED):
                self._news.clear()
                await self._news.wait()

        return await first_of(wait(), within_s=RESPONSE_DEADLINE_S) and entry.state is state

    def _came(self, message: SipRequest | SipResponse, addr: tuple[str, int]) -> None:
        assert self._pass_on is not None
        if isinstance(message, SipResponse):
            if not self._transport.is_news(message, addr):
                return
            leg = self._legs.get(message.call_id or "")
            if isinstance(leg, Dialled) and message.status_code < 200:
                leg.proceeding.set()
        elif message.method == "INVITE" and self._uas.transactions.match_request(message):
            return  # a copy: the library would take it for another call
        self._pass_on(message, addr)
        self._news.set()

    def _invited(self, call: IncomingCall) -> None:
        if len(self._calls) >= self._max_calls:
            call.reject(486)
            return
        received = Received(call, self._transport)
        self._legs[call.call_id] = received
        self._calls.append(received)
        self.called.set()

    def _reinvited(self, call: IncomingCall) -> None:
        leg = self._legs.get(call.call_id)
        if leg is None or leg.reoffer is None:
            call.reject(488)
            return
        call.accept(leg.reoffer(call.sdp_offer))

    def _ended(self, call_id: str) -> None:
        if call_id in self._legs:
            self._legs[call_id].ended.set()


@asynccontextmanager
async def signalling(*, answers: bool = False) -> AsyncIterator[Signalling]:
    """An open SIP socket on the loopback interface; with `answers`, calls may come to it."""
    sip = Signalling(answers=answers)
    await sip.start()
    try:
        yield sip
    finally:
        await sip.stop()
