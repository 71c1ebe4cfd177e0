"""Who may use the requests that control a pod or show its callers.

    spec.server.controlToken    who may
    not set                     this machine; in a cluster the pod itself and `kubectl port-forward`
    set                         whoever sends `Authorization: Bearer TOKEN`

Asterisk's requests, probes and metrics are for all whom the network lets in. A dialplan has no
place for a secret, and they show and change nothing but a call whose random UUID they name.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from media_pod.errors import SetupError

LEAST_CHARACTERS: Final = 16
"""Of a token: what is shorter can be guessed."""

_HERE: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
# A proxy on this machine, or a page in a browser on it, asks for somebody else.
_FOR_OTHERS: Final = ("Forwarded", "X-Forwarded-For", "Origin", "Sec-Fetch-Site")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Token = Callable[[], str]


def no_token() -> str:
    """The token of a pod that has none."""
    return ""


def usable(token: str) -> str:
    """`token` itself.

    Raises:
        SetupError: it is too short.
    """
    if len(token) < LEAST_CHARACTERS:
        raise SetupError(
            f"spec.server.controlToken: found {len(token)} characters; allowed: at least "
            f"{LEAST_CHARACTERS}, such as of `openssl rand -hex 32`"
        )
    return token


def controlled(handler: Handler, token: Token) -> Handler:
    """`handler`, for those alone who may.

    Args:
        handler: of the request.
        token: reads the token as it is now; "" if the pod has none. Raises SetupError.
    """

    async def checked(request: web.Request) -> web.StreamResponse:
        try:
            wanted = token()
        except SetupError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error
        if wanted:
            _check_token(request, wanted)
        elif not _from_here(request):
            raise web.HTTPForbidden(
                text="without spec.server.controlToken this is for the pod's own machine alone; "
                "set a token, or ask through `kubectl port-forward`"
            )
        return await handler(request)

    return checked


def _check_token(request: web.Request, wanted: str) -> None:
    scheme, _, found = request.headers.get("Authorization", "").partition(" ")
    # Every comparison takes as long, however much of the token is right.
    same = hmac.compare_digest(found.strip().encode(errors="replace"), wanted.encode())
    if scheme.lower() != "bearer" or not same:
        raise web.HTTPUnauthorized(
            text="expected `Authorization: Bearer TOKEN` with the token that "
            "spec.server.controlToken names",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _from_here(request: web.Request) -> bool:
    peer = request.get_extra_info("peername")
    here = isinstance(peer, tuple) and peer[0] in _HERE
    return here and not any(name in request.headers for name in _FOR_OTHERS)
