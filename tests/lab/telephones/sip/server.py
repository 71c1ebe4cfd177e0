"""A SIP server of a few lines, for what two telephones do not do to each other: it challenges."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiosipua import SipMessage, SipRequest, SipResponse, parse_auth

from interject_lab.telephones.sip.signalling import Account
from interject_lab.telephones.sip.udp import Address, UdpSocket, open_udp

REALM, NONCE = "lab", "once"

Respond = Callable[[SipRequest], list[SipResponse]]


def respond(request: SipRequest, status: int, reason: str, **headers: str) -> SipResponse:
    """The response to `request`, with the tag of this server."""
    response = SipResponse(status_code=status, reason_phrase=reason)
    for name in ("Via", "From", "Call-ID", "CSeq"):
        response.set_header(name, request.get_header(name) or "")
    response.set_header("To", f"{request.get_header('To')};tag=server")
    for name, value in headers.items():
        response.set_header(name.replace("_", "-"), value)
    return response


def challenge(request: SipRequest) -> SipResponse:
    """The demand of credentials."""
    wanted = f'Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5'
    return respond(request, 401, "Unauthorized", WWW_Authenticate=wanted)


def knows(account: Account, request: SipRequest) -> bool:
    """Whether `request` proves that it has the password of `account` (RFC 2617, without qop)."""
    header = request.get_header("Authorization")
    if header is None:
        return False
    given = parse_auth(header).params

    def digest(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    secret = digest(f"{account.user}:{REALM}:{account.password}")
    proof = digest(f"{secret}:{NONCE}:{digest(f'{request.method}:{request.uri}')}")
    return given["response"] == proof


class Server:
    """Answers requests from a script; records them."""

    def __init__(self, answer: Respond) -> None:
        self._answer = answer
        self._udp: UdpSocket | None = None
        self.came: list[SipRequest] = []
        self.responses: list[SipResponse] = []
        self._caller: Address | None = None

    def account(self, user: str = "caller", password: str = "secret") -> Account:
        """An account here."""
        assert self._udp is not None
        return Account(user, password, *self._udp.address)

    def methods(self) -> Counter[str]:
        """How many requests of each method came."""
        return Counter(request.method for request in self.came)

    def send(self, message: SipRequest | SipResponse) -> None:
        """Send to whom the last request came from."""
        assert self._udp is not None
        assert self._caller is not None
        self._udp.send(bytes(message), self._caller)

    async def open(self) -> None:
        self._udp = await open_udp(self._take)

    def close(self) -> None:
        assert self._udp is not None
        self._udp.close()

    def _take(self, data: bytes, sender: Address) -> None:
        message = SipMessage.parse(data)
        if isinstance(message, SipResponse):
            self.responses.append(message)
            return
        self._caller = sender
        self.came.append(message)
        for response in self._answer(message):
            self.send(response)


@asynccontextmanager
async def serving(answer: Respond) -> AsyncIterator[Server]:
    """A server on the loopback interface."""
    server = Server(answer)
    await server.open()
    try:
        yield server
    finally:
        server.close()
