"""What a dialplan sends in a query string, made safe to use."""

import logging
import re
from itertools import islice

from aiohttp import web

from media_pod.dialogues.ports import VARIABLE_PREFIX, CallInfo
from media_pod.logs import call_logger
from media_pod.manifest.conversation import MAX_VARIABLE_NAME, VARIABLE_PATTERN
from media_pod.pod.http.problem import BadRequestError
from media_pod.telemetry import trace_context

log = logging.getLogger(__name__)

LONGEST_NUMBER = 64
"""Characters of a caller ID that are kept. A call must not fail for the name of its caller, so
the rest is cut off, and so is everything that does not print."""

MAX_VARIABLES = 50
MAX_VALUE = 500
"""Characters of a variable that are kept: a name or a number, not a document."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VARIABLE = re.compile(VARIABLE_PATTERN)
_LEG = re.compile(r"[0-9]{1,4}")
_SHOWN = 60


def call_info(request: web.Request) -> CallInfo:
    """The call that `uuid`, `from`, `to`, `traceparent` and `leg` describe; other parameters are
    the dialplan's own. What only traces need is left out if it makes no sense.

    Raises:
        BadRequestError: there is no `uuid`, more than one, or it is not a UUID.
    """
    call = uuid(request)
    leg = text(request, "leg")
    return CallInfo(
        call,
        text(request, "from"),
        text(request, "to"),
        _traceparent(request, call),
        int(leg) if _LEG.fullmatch(leg) else None,
        _variables(request),
    )


def _variables(request: web.Request) -> dict[str, str]:
    """`var.NAME=value`: at most `MAX_VARIABLES`, each cut to `MAX_VALUE` characters.

    Names that no manifest can declare are left out.
    """
    named = ((key.removeprefix(VARIABLE_PREFIX), key) for key in dict.fromkeys(request.query))
    found = (
        (name, request.query[key])
        for name, key in named
        if key.startswith(VARIABLE_PREFIX)
        and len(name) <= MAX_VARIABLE_NAME
        and _VARIABLE.fullmatch(name)
    )
    return {name: _printable(value)[:MAX_VALUE] for name, value in islice(found, MAX_VARIABLES)}


def _traceparent(request: web.Request, call: str) -> str:
    """W3C: what cannot be read counts as absent, and so does what is there twice."""
    found = request.query.getall("traceparent", [])
    if not found or found == [""]:
        return ""
    shown = text(request, "traceparent")
    if len(found) > 1 or shown != found[0] or trace_context.parse(shown) is None:
        about = call_logger(log, call)
        about.info("its traceparent is ignored: found %s", repr(found)[:_SHOWN])
        return ""
    return shown


def uuid(request: web.Request) -> str:
    """The `uuid` parameter in lower case, as AudioSocket's 16 bytes are written here.

    Raises:
        BadRequestError: as `call_info`.
    """
    found = request.query.getall("uuid", [])
    if len(found) != 1:
        raise BadRequestError(f"found {len(found)} parameters named uuid; give exactly one")
    return parse_uuid(found[0])


def parse_uuid(found: str) -> str:
    """`found` in lower case.

    Raises:
        BadRequestError: it is not a UUID of 8-4-4-4-12 hexadecimal digits.
    """
    lower = found.lower()
    if not _UUID.fullmatch(lower):
        raise BadRequestError(
            f"uuid: found {found[:_SHOWN]!r}; give a UUID, 8-4-4-4-12 hexadecimal digits"
        )
    return lower


def is_hop(request: web.Request) -> bool:
    """Another pod asks, for a call that came to it: it is not sent on once more."""
    return "hop" in request.query


def flag(request: web.Request, name: str) -> bool:
    """A parameter that is 1 or 0; 0 if it is not there.

    Raises:
        BadRequestError: it is anything else.
    """
    found = request.query.get(name, "0")
    if found not in ("0", "1"):
        raise BadRequestError(f"{name}: found {found[:_SHOWN]!r}; give 1, or leave it out")
    return found == "1"


def text(request: web.Request, name: str) -> str:
    """A parameter that is only shown to people; "" if it is not there."""
    return _printable(request.query.get(name, ""))[:LONGEST_NUMBER]


def _printable(found: str) -> str:
    return "".join(sign for sign in found if sign.isprintable())
