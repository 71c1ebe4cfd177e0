"""SIP over UDP: what the library leaves to its user.

Requests are retransmitted until a response arrives (RFC 3261, timers A and E), and a final response
other than 2xx to an INVITE is acknowledged (section 17.1.1.3); without the ACK a server retransmits
its response. The library's own UDP transport does not start on Python 3.11, and does not report a
port that the system chose.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from aiosipua import SipRequest, SipResponse, SipTransport

from interject_lab.telephones.sip.udp import HOST, Address, UdpSocket, open_udp

FIRST_RESEND_S = 0.5
"""T1; each wait after it is twice as long."""
MAX_RESENDS = 6
MAX_REMEMBERED = 100
"""INVITEs and finished transactions, kept to detect retransmitted responses; the oldest go."""

Key = tuple[str, str]
"""A transaction: its branch and its method."""


@dataclass(slots=True)
class _Unanswered:
    answered: asyncio.Event
    timer: asyncio.TimerHandle


class Transport(SipTransport):
    """One UDP socket with SIP on the local address `host`, its port chosen by the system."""

    def __init__(self, host: str = HOST) -> None:
        super().__init__(local_addr=(host, 0))
        self._udp: UdpSocket | None = None
        self._unanswered: dict[Key, _Unanswered] = {}
        self._invites: deque[SipRequest] = deque(maxlen=MAX_REMEMBERED)
        self._concluded: deque[Key] = deque(maxlen=MAX_REMEMBERED)

    async def start(self) -> None:
        """Open the socket; `local_addr` has the port then."""
        self._udp = await open_udp(self._dispatch, self.local_addr[0])
        self.local_addr = self._udp.address

    async def stop(self) -> None:
        """Close the socket and stop retransmissions."""
        for waiting in self._unanswered.values():
            waiting.timer.cancel()
        if self._udp is not None:
            self._udp.close()

    def send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        """Send a message; a request is retransmitted until it is answered."""
        self._send(message, addr)
        if isinstance(message, SipRequest) and message.method != "ACK":
            timer = self._again(message, addr, 1)
            self._unanswered[transaction(message)] = _Unanswered(asyncio.Event(), timer)
            if message.method == "INVITE":
                self._invites.append(message)

    def is_news(self, response: SipResponse, addr: Address) -> bool:
        """Handle a response from `addr`; whether it is not a retransmission."""
        key = transaction(response)
        waiting = self._unanswered.pop(key, None)
        if waiting is not None:
            waiting.timer.cancel()
            waiting.answered.set()
        if response.status_code < 200:
            return True
        if response.status_code >= 300:
            for invite in self._invites:
                if transaction(invite) == key:
                    self.send(within(invite, "ACK", response.get_header("To")), addr)
        elif key[1] == "INVITE":
            return True  # each copy of a 2xx needs an ACK, which the library sends
        repeated = key in self._concluded
        self._concluded.append(key)
        return not repeated

    async def answer_to(self, request: SipRequest, within_s: float) -> bool:
        """Wait for a response to `request`; whether one arrived."""
        waiting = self._unanswered.get(transaction(request))
        if waiting is None:
            return True
        try:
            async with asyncio.timeout(within_s):
                await waiting.answered.wait()
        except TimeoutError:
            return False
        return True

    def _send(self, message: SipRequest | SipResponse, addr: Address) -> None:
        assert self._udp is not None
        self._udp.send(bytes(message), addr)

    def _again(self, message: SipRequest, addr: Address, time: int) -> asyncio.TimerHandle:
        def resend() -> None:
            waiting = self._unanswered[transaction(message)]
            self._send(message, addr)
            if time < MAX_RESENDS:
                waiting.timer = self._again(message, addr, time + 1)

        delay_s = FIRST_RESEND_S * 2 ** (time - 1)
        return asyncio.get_running_loop().call_later(delay_s, resend)


def transaction(message: SipRequest | SipResponse) -> Key:
    """The transaction of `message`; empty strings for missing parts."""
    branch = (message.via[0].branch or "") if message.via else ""
    return branch, message.cseq.method if message.cseq else ""


def within(invite: SipRequest, method: str, to: str | None) -> SipRequest:
    """An ACK or CANCEL in the very transaction of `invite` (RFC 3261, 9.1 and 17.1.1.3).

    Args:
        invite: what is acknowledged or cancelled.
        method: "ACK" or "CANCEL".
        to: the To header of the answer that is acknowledged; None for that of the INVITE.
    """
    request = SipRequest(method=method, uri=invite.uri)
    request.headers.append("Via", invite.get_header_values("Via")[0])
    for name in ("From", "To", "Call-ID"):
        value = to if name == "To" and to else invite.get_header(name)
        request.set_header(name, value or "")
    request.set_header("CSeq", f"{invite.cseq.seq if invite.cseq else 1} {method}")
    request.set_header("Max-Forwards", "70")
    for route in invite.get_header_values("Route"):
        request.add_header("Route", route)
    return request
