"""SIP of a telephone: outgoing calls, incoming calls, and the registration.

The library handles dialogs and digest authentication; this file turns its callbacks into events.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiosipua import (
    IncomingCall,
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

from interject_lab.errors import LabError
from interject_lab.telephones.sip.dialogs import (
    RESPONSE_DEADLINE_S,
    Dialog,
    IncomingDialog,
    OutgoingDialog,
    first_of,
)
from interject_lab.telephones.sip.transport import Transport
from interject_lab.telephones.sip.udp import HOST

REGISTERED_S = 300


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
        """The credentials for challenges."""
        return SipDigestAuth(self.user, self.password) if self.password else None


class Signalling:
    """One SIP socket; see `signalling`."""

    def __init__(self, host: str = HOST) -> None:
        self._transport = Transport(host)
        self._uac = SipUAC(self._transport)
        self._uas = SipUAS(self._transport, uac=self._uac)
        self._uas.on_invite = self._invited
        self._uas.on_reinvite = self._reinvited
        self._uas.on_bye = lambda call, request: self._ended(call.call_id)
        self._uas.on_cancel = lambda request, addr: self._ended(request.call_id or "")
        self._waiting: IncomingDialog | None = None
        self.called = asyncio.Event()
        """A call has arrived: `next_call` returns it."""
        self._dialogs: dict[str, Dialog] = {}
        """By Call-ID; one at a time is active, because a second caller gets 486 Busy Here."""
        self._news = asyncio.Event()
        self._pass_on: MessageCallback | None = None
        """The library's handler of messages."""

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
    ) -> OutgoingDialog:
        """Call `extension` at the account's server; `ringing` is set if it rings there."""
        host, port = account.server
        call = self._uac.send_invite(
            account.uri,
            f"sip:{extension}@{host}:{port}",
            account.server,
            offer,
            auth=account.digest,
        )
        dialled = OutgoingDialog(
            call=call, uac=self._uac, transport=self._transport, ringing=ringing
        )
        self._dialogs[call.call_id] = dialled
        return dialled

    def next_call(self) -> IncomingDialog | None:
        """The latest call that was not returned yet; None without one."""
        received, self._waiting = self._waiting, None
        self.called.clear()
        return received

    @asynccontextmanager
    async def registration(self, account: Account) -> AsyncIterator[None]:
        """Register at the account's server within this context.

        Raises:
            LabError: the server does not answer, or refuses.
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
                f"{where} answered {said} to the registration of {account.user}:"
                " check the endpoint's aor and auth there"
            )
        try:
            yield
        finally:
            entry.unregister()
            # Without an answer the registration expires.
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
            dialog = self._dialogs.get(message.call_id or "")
            if isinstance(dialog, OutgoingDialog) and message.status_code < 200:
                dialog.proceeding.set()
        elif message.method == "INVITE" and self._uas.transactions.match_request(message):
            return  # a copy: the library would take it for another call
        self._pass_on(message, addr)
        self._news.set()

    def _invited(self, call: IncomingCall) -> None:
        if any(not dialog.ended.is_set() for dialog in self._dialogs.values()):
            call.reject(486)
            return
        self._waiting = IncomingDialog(call=call, transport=self._transport)
        self._dialogs[call.call_id] = self._waiting
        self.called.set()

    def _reinvited(self, call: IncomingCall) -> None:
        if call.call_id in self._dialogs:
            self._dialogs[call.call_id].offered(call)

    def _ended(self, call_id: str) -> None:
        if call_id in self._dialogs:
            self._dialogs[call_id].ended.set()


@asynccontextmanager
async def signalling(host: str = HOST) -> AsyncIterator[Signalling]:
    """An open SIP socket on the local address `host`."""
    sip = Signalling(host)
    await sip.start()
    try:
        yield sip
    finally:
        await sip.stop()
