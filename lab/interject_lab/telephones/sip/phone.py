"""The simulated telephone behind a real SIP server: a caller on an echoing line, over SIP and RTP.

Signalling is a library's, the media are the lab's own: the handset's absolute clock of 20 ms,
packets that a network may lose and delay in both directions, and a record of the call that the
lab scores like that of the telephone on AudioSocket.

Times in the record are those of the telephone: a frame is sent when it is given to the uplink's
network, and has arrived when the downlink's network has brought it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import numpy as np

from interject_lab.errors import LabError
from interject_lab.network.codecs import CodecName
from interject_lab.network.line import TelephoneLine
from interject_lab.telephones.caller import Caller
from interject_lab.telephones.handset import Handset
from interject_lab.telephones.sip import session
from interject_lab.telephones.sip.conversation import Conversation, SipCall
from interject_lab.telephones.sip.dialogs import (
    RESPONSE_DEADLINE_S,
    IncomingDialog,
    OutgoingDialog,
    first_of,
)
from interject_lab.telephones.sip.media import MediaSettings
from interject_lab.telephones.sip.signalling import Account, Signalling, signalling
from interject_lab.telephones.sip.udp import RtpSocket, reaches, rtp_socket
from interject_lab.telephones.sip.uplink import NegotiatedMedia

BEFORE_AN_ANSWER: Final = "the caller hung up before an answer"
TAKEN_BACK: Final = "the other side gave up before an answer"


class SipPhone:
    """One telephone for one call, out or in.

    Args:
        account: its endpoint at the SIP server.
        line, caller: made for this call, of the same rate; the rate of every codec's audio.
        max_s: the caller hangs up this long after the answer.
        codecs: codecs that it offers or accepts, the preferred first.
        settings: how it sends, and the network.
        progress: receives the seconds since the answer, once a second.
        clock_ns: a monotonic clock; it must run with the event loop's.
        rng: for the initial values of RTP's counters, which change no result; random by default.

    Raises:
        LabError: an unusable codec, packet length or DTMF digit.
    """

    def __init__(
        self,
        account: Account,
        line: TelephoneLine,
        caller: Caller,
        *,
        max_s: float,
        codecs: Sequence[CodecName] = ("PCMU",),
        settings: MediaSettings | None = None,
        progress: Callable[[float], None] = lambda elapsed_s: None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._account = account
        self._conversation = Conversation(
            Handset(line, caller, max_s),
            line.rate_hz,
            codecs=codecs,
            settings=settings or MediaSettings(),
            progress=progress,
            clock_ns=clock_ns,
            rng=rng or np.random.default_rng(),
        )

    @property
    def ringing(self) -> asyncio.Event:
        """Set when it rings: at the callee of an outgoing call (180, 183), or here."""
        return self._conversation.ringing

    def hang_up(self) -> None:
        """The caller hangs up now: CANCEL while it rings, BYE after the answer."""
        self._conversation.hung_up.set()

    async def call(self, extension: str, answer_within_s: float = 30.0) -> SipCall:
        """Call `extension`, until either side hangs up.

        A rejected or unanswered call returns a `SipCall` too: see its `status` and `ended`.

        Raises:
            LabError: no response of the server, or an invalid one.
        """
        conversation = self._conversation
        host = self._host
        with rtp_socket(conversation.clock_ns, host) as socket:
            async with signalling(host) as sip:
                offer = session.offer(
                    conversation.codecs, socket.address, conversation.settings.ptime_ms
                )
                dialled = sip.dial(self._account, extension, offer, self.ringing)
                try:
                    ended = await self._not_answered(dialled, answer_within_s)
                    if ended is not None:
                        return conversation.none(dialled.status, dialled.reason, ended)
                    agreed = session.agree(dialled.call.sdp_answer, conversation.codecs)
                    return await conversation.hold(socket, dialled, agreed)
                finally:
                    await dialled.hang_up()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["AnsweringPhone"]:
        """A telephone that can be called at `AnsweringPhone.address`, without a registration."""
        clock_ns = self._conversation.clock_ns
        with rtp_socket(clock_ns, self._host) as socket:
            async with signalling(self._host) as sip:
                yield AnsweringPhone(self._conversation, socket, sip)

    @asynccontextmanager
    async def registered(self) -> AsyncIterator["AnsweringPhone"]:
        """A telephone that can be called through its server.

        Raises:
            LabError: the server does not answer, or does not register it.
        """
        clock_ns = self._conversation.clock_ns
        with rtp_socket(clock_ns, self._host) as socket:
            async with signalling(self._host) as sip, sip.registration(self._account):
                yield AnsweringPhone(self._conversation, socket, sip)

    @property
    def _host(self) -> str:
        """The telephone's own address, as its server sees it."""
        host = self._account.server_host
        try:
            return reaches(host)
        except OSError as error:
            raise LabError(f"no route to {host}: {error.strerror or error}") from error

    async def _not_answered(self, dialled: OutgoingDialog, within_s: float) -> str | None:
        """Why the call was not answered; None if it was."""
        hung_up, final = self._conversation.hung_up, dialled.final
        waits = dialled.proceeding.wait(), final.wait(), hung_up.wait()
        if not await first_of(*waits, within_s=RESPONSE_DEADLINE_S):
            host, port = self._account.server
            raise LabError(
                f"no SIP answer from {host}:{port} within {RESPONSE_DEADLINE_S:.0f} s:"
                " is the server running, with its UDP transport there?"
            )
        await first_of(final.wait(), hung_up.wait(), within_s=within_s)
        if not final.is_set():
            await dialled.cancel()
            return BEFORE_AN_ANSWER if hung_up.is_set() else f"no answer within {within_s:g} s"
        return None if dialled.answered else f"rejected: {dialled.status} {dialled.reason}"


class AnsweringPhone:
    """A telephone that waits for a call, from `SipPhone.listening` or `SipPhone.registered`."""

    def __init__(self, conversation: Conversation, socket: RtpSocket, sip: Signalling) -> None:
        self._conversation = conversation
        self._socket = socket
        self._sip = sip

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of its SIP."""
        return self._sip.address

    async def answer(self, within_s: float = 30.0, ring_s: float = 0.0) -> SipCall:
        """Wait for a call, let it ring for `ring_s`, answer it, stay until either side hangs up.

        Raises:
            LabError: no call arrived, or one without a common codec.
        """
        received = await self._received(within_s)
        conversation = self._conversation
        if ring_s:
            waits = received.ended.wait(), conversation.hung_up.wait()
            await first_of(*waits, within_s=ring_s)
        if received.ended.is_set():
            return conversation.none(487, "Request Terminated", TAKEN_BACK)
        if conversation.hung_up.is_set():
            received.reject(603)
            return conversation.none(603, "Decline", BEFORE_AN_ANSWER)
        try:
            agreed = self._accept(received)
            return await conversation.hold(self._socket, received, agreed)
        finally:
            await received.hang_up()

    async def reject(self, status: int = 486, within_s: float = 30.0) -> None:
        """Wait for a call and reject it.

        Raises:
            LabError: no call arrived.
        """
        received = await self._received(within_s)
        received.reject(status)

    async def _received(self, within_s: float) -> IncomingDialog:
        waits = self._sip.called.wait(), self._conversation.hung_up.wait()
        await first_of(*waits, within_s=within_s)
        received = self._sip.next_call()
        if received is None:
            host, port = self.address
            raise LabError(
                f"no call arrived at {host}:{port} within {within_s:g} s: dial it by then"
            )
        if not received.ended.is_set():
            received.call.ringing()
        self._conversation.ringing.set()
        return received

    def _accept(self, received: IncomingDialog) -> NegotiatedMedia:
        conversation = self._conversation
        try:
            answer, agreed = session.answer(
                received.call.sdp_offer,
                conversation.codecs,
                self._socket.address,
                conversation.settings.ptime_ms,
            )
        except LabError:
            received.reject(488)
            raise
        received.call.accept(answer)
        return agreed
