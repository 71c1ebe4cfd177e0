"""Errors of the HTTP API as RFC 9457 problem documents."""

import json
import logging
import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from media_pod.calls.answers import (
    AdmissionError,
    DrainingError,
    FullError,
    StillConnectedError,
)

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

_KEPT = ("Allow", "WWW-Authenticate")
"""Headers of an error that its problem document keeps."""

RETRY_DRAINING_S = 1
"""Retry-After of a draining pod, in seconds: the Service sends the next try to another pod."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """A problem document without a type of its own: the status says what kind it is."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return web.Response(
        status=status, text=json.dumps(body), content_type=CONTENT_TYPE, headers=headers
    )


class BadRequestError(web.HTTPBadRequest):
    """A parameter that cannot be used; `detail` names it, what it was, and what it has to be."""

    def __init__(self, detail: str) -> None:
        super().__init__(text=detail)


def refusal(error: AdmissionError) -> web.Response:
    """A call that gets no slot. Every one is worth another try, here or at another pod."""
    match error:
        case FullError():
            retry_s = max(1, math.ceil(error.retry_after_s))
            return problem(503, str(error), {"Retry-After": str(retry_s)})
        case DrainingError():
            return problem(503, str(error), {"Retry-After": str(RETRY_DRAINING_S)})
        case StillConnectedError():
            return problem(409, str(error))
    return problem(404, str(error))


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error into a problem document; the edge at which a fault of ours stays one
    request's fault."""
    try:
        return await handler(request)
    except AdmissionError as error:
        return refusal(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
        return problem(error.status, _detail(request, error), kept)
    except Exception:
        log.exception("fault in %s %s", request.method, request.path)
        return problem(500, "a fault in the pod; its log has the details")


def _detail(request: web.Request, error: web.HTTPException) -> str:
    match error:
        case web.HTTPNotFound():
            return f"no such path: {request.path}"
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return f"{error.method} is not for this path; allowed: {allowed}"
    return error.text or error.reason
