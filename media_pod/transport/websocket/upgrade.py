"""The HTTP request that a WebSocket of Asterisk's begins with, and the call's UUID in it. No I/O.

`Dial(WebSocket/<connection>/...v(uuid=...))` makes it `GET <path>?uuid=... HTTP/1.1`; the path is
whatever the connection's uri has.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from media_pod.transport.websocket.messages import WebSocketError

SUBPROTOCOL: Final = "media"
"""What Asterisk's documentation has in `protocols`; a client that asks for none is served too."""
MAX_MESSAGE_BYTES: Final = 32_768
"""MEDIA_START carries the channel's variables; audio is 1920 bytes at most (60 ms at 16 kHz)."""
_SHOWN: Final = 200


class UpgradeError(WebSocketError):
    """A connection that does not begin with a WebSocket upgrade, or that names no call."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


def make_protocol() -> ServerProtocol:
    """The protocol of one connection that has not sent its request."""
    return ServerProtocol(select_subprotocol=_select, max_size=MAX_MESSAGE_BYTES)


def take_request(protocol: ServerProtocol, data: bytes) -> tuple[UUID, Response] | None:
    """Take bytes of the request: the call's UUID and the answer that accepts it, once it is whole.

    Raises:
        UpgradeError: no WebSocket upgrade, or one without `uuid`.
    """
    protocol.receive_data(data)
    events = protocol.events_received()
    if protocol.handshake_exc is not None:
        raise UpgradeError(f"read no upgrade request ({protocol.handshake_exc})")
    if not events:
        return None
    request = cast(Request, events[0])
    response = protocol.accept(request)
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        raise UpgradeError(
            f"read no upgrade request ({protocol.handshake_exc})", HTTPStatus(response.status_code)
        )
    if len(events) > 1:
        raise UpgradeError("read a message before the upgrade was answered")
    return _uuid(request.path), response


def _uuid(path: str) -> UUID:
    found = parse_qs(urlsplit(path).query).get("uuid", [])
    try:
        (text,) = found
        return UUID(text)
    except ValueError:
        raise UpgradeError(
            f"read {path[:_SHOWN]!r}, expected one uuid= with a UUID: the dial string needs "
            "v(uuid=...)"
        ) from None


def _select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name == SUBPROTOCOL), None)
