"""What went wrong at an OpenAI-compatible server: its errors, and those of the HTTP client.

Sources: the error classes of the packages `openai` and `httpx2`, OpenAI's list of error codes
(https://platform.openai.com/docs/guides/error-codes), and the bodies of servers that differ from
it: FastAPI's `detail`, a plain string as `error`, HTML of a proxy.
"""

import math
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from media_pod.providers.ports import FailureKind, ProviderError

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

MAX_MESSAGE_CHARS: Final = 400
"""A log line and a terminal still show it as a whole."""

_MAX_BODY_CHARS: Final = 4000
"""Part of a body that is searched for a message: an HTML page may have megabytes."""
_KIND_OF_CODE: Final = {
    "billing_hard_limit_reached": FailureKind.QUOTA_EXCEEDED,
    "billing_not_active": FailureKind.QUOTA_EXCEEDED,
    "content_filter": FailureKind.REFUSED,
    "content_policy_violation": FailureKind.REFUSED,
    "context_length_exceeded": FailureKind.BAD_REQUEST,
    "insufficient_quota": FailureKind.QUOTA_EXCEEDED,
    "invalid_api_key": FailureKind.UNAUTHORIZED,
    "model_not_found": FailureKind.NOT_FOUND,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
}
_KIND_OF_TYPE: Final = {
    "authentication_error": FailureKind.UNAUTHORIZED,
    "insufficient_quota": FailureKind.QUOTA_EXCEEDED,
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "rate_limit_error": FailureKind.RATE_LIMITED,
}
"""For errors inside a stream, which have no status. A status tells more than a type."""
_KIND_OF_STATUS: Final = {
    401: FailureKind.UNAUTHORIZED,
    402: FailureKind.QUOTA_EXCEEDED,
    403: FailureKind.UNAUTHORIZED,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.TIMEOUT,
    429: FailureKind.RATE_LIMITED,
}
_NO_MODEL: Final = re.compile(
    r"(invalid|unknown) model|\bmodel\b.{0,200}?\bnot (found|exist)", re.IGNORECASE | re.DOTALL
)
_HTML: Final = re.compile(r"\s*<(!doctype|html|head|body)\b", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>([^<]{1,500})</title>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]{0,500}>")


def provider_error(
    error: Exception, what: str, *, api_key: str | None = None, begun: bool = False
) -> ProviderError:
    """Translate an exception of a request; the packages `openai` and `httpx2` are loaded by then.

    Args:
        error: of the SDK, the HTTP client, a JSON parser, the operating system, or a
            `ProviderError` that does not name its provider yet.
        what: the provider and its input, the beginning of the message.
        api_key: is removed from the message: some servers repeat it.
        begun: the response's headers had come, so a lost connection is `FailureKind.CUT`.

    Returns:
        An error with a message of one line, at most `MAX_MESSAGE_CHARS` and the length of `what`.
    """
    kind, text = _diagnosis(error, begun)
    if kind is FailureKind.UNAUTHORIZED and api_key is None:
        text = f"{text}; no API key is configured"
    if api_key:
        text = text.replace(api_key, "[API key]")
    text = " ".join(text.split())
    if len(text) > MAX_MESSAGE_CHARS:
        text = f"{text[: MAX_MESSAGE_CHARS - 1]}…"
    return ProviderError(f"{what}: {text}", kind, _wait_s(error))


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """The wait that a response asks for: `retry-after-ms`, or Retry-After of RFC 9110, 10.2.3.

    Args:
        headers: with names in lower case, or case-insensitive.
        now_s: Unix time, for a wait that is given as a date.

    Returns:
        The wait in seconds, at least 0; None without a readable header.
    """
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait_s = float(headers.get(name, "")) / per_second
        except ValueError:
            continue
        if math.isfinite(wait_s):
            return max(0.0, wait_s)
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - now_s)
    except (KeyError, ValueError, OverflowError):
        return None


def rejection(error: "APIStatusError") -> str:
    """What the server says about a rejected request: its parameter, code and message, unchanged."""
    return " ".join(filter(None, (error.param, error.code, _message(error.body))))


def _diagnosis(error: Exception, begun: bool) -> tuple[FailureKind, str]:
    if isinstance(error, ProviderError):
        return error.kind, str(error)
    import httpx2
    import openai

    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException | TimeoutError):
        return FailureKind.TIMEOUT, _of_timeout(error)
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError | OSError):
        return _of_connection(error, begun)
    if isinstance(error, openai.APIResponseValidationError):
        return FailureKind.BAD_ANSWER, str(error)
    if isinstance(error, openai.APIError):
        return _of_stream(error)
    if isinstance(error, httpx2.InvalidURL):
        return FailureKind.BAD_REQUEST, f"invalid base URL: {error}"
    if isinstance(error, ValueError | RecursionError | httpx2.DecodingError):
        return FailureKind.BAD_ANSWER, f"expected JSON, found something else: {error}"
    return FailureKind.INTERNAL, f"{type(error).__name__}: {error}"


def _of_status(error: "APIStatusError") -> tuple[FailureKind, str]:
    status = error.status_code
    text = _message(error.body) or "no reason given"
    if location := error.response.headers.get("location"):
        return FailureKind.NOT_FOUND, f"HTTP {status}: redirected to {location}; expected the API"
    kind = _KIND_OF_STATUS.get(status, FailureKind.BAD_REQUEST)
    if status >= 500:
        kind = FailureKind.SERVER_ERROR
    elif error.type == "insufficient_quota":
        kind = FailureKind.QUOTA_EXCEEDED
    elif error.type == "no_db_connection":  # LiteLLM looks an unknown key up where it has no place
        kind, text = FailureKind.UNAUTHORIZED, f"the API key is not known ({text})"
    elif kind is FailureKind.BAD_REQUEST and _NO_MODEL.search(text):
        kind = FailureKind.NOT_FOUND
    else:
        kind = _KIND_OF_CODE.get(error.code or "", kind)
    if status == 404 and not error.code and not _NO_MODEL.search(text):
        text = f"{text}; expected an API at the base URL, which mostly ends in /v1"
    named = f" ({error.code})" if error.code and error.code != str(status) else ""
    return kind, f"HTTP {status}{named}: {text}"


def _of_stream(error: "APIError") -> tuple[FailureKind, str]:
    """An error object in place of a chunk; vLLM and llama.cpp write the status as its `code`."""
    code = error.code or ""
    text = _message(error.body) or error.message
    status = int(code) if re.fullmatch("[45][0-9][0-9]", code) else 500
    kind = FailureKind.SERVER_ERROR if status >= 500 else FailureKind.BAD_REQUEST
    kind = _KIND_OF_STATUS.get(status, kind)
    # The SDK does not check the type of what it read.
    kind = _KIND_OF_TYPE.get(str(error.type), kind) if status == 500 else kind
    return _KIND_OF_CODE.get(code, kind), f"error in the stream{code and f' ({code})'}: {text}"


def _of_timeout(error: Exception) -> str:
    try:
        limits_s = error.request.extensions.get("timeout", {})  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):  # httpx2's property raises if there is none
        limits_s = {}
    names = {type(cause).__name__ for cause in _causes(error)}
    for name, phase, text in (
        ("ConnectTimeout", "connect", "no connection"),
        ("PoolTimeout", "pool", "all connections were in use"),
        ("WriteTimeout", "write", "the server read nothing"),
        ("ReadTimeout", "read", "the server sent nothing"),
    ):
        if name in names and phase in limits_s:
            return f"{text} for {limits_s[phase]:g} s"
    return str(error) or "a deadline passed"


def _of_connection(error: Exception, begun: bool) -> tuple[FailureKind, str]:
    import httpx2

    causes = list(_causes(error))
    reason = next((text for cause in reversed(causes) if (text := str(cause))), repr(causes[-1]))
    if any(isinstance(cause, httpx2.DecodingError | httpx2.SSEError) for cause in causes):
        return FailureKind.BAD_ANSWER, reason
    if begun:
        return FailureKind.CUT, f"the connection was lost in the middle of the answer: {reason}"
    # The HTTP parser's complaint; a connection that closes before its answer has none.
    if any(type(cause).__module__.startswith("h11") for cause in causes):
        return FailureKind.BAD_ANSWER, f"expected an HTTP server: {reason}"
    return FailureKind.UNREACHABLE, f"no connection: {reason}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what led to it: the SDK says "Connection error." for whatever it was.

    Internals of a cancelled wait are left out.
    """
    cause: BaseException | None = error
    while isinstance(cause, Exception):
        yield cause
        cause = cause.__cause__ or cause.__context__


def _message(body: object) -> str:
    """The text for people in an error's body, which the SDK has unwrapped from `error`."""
    if isinstance(body, Mapping):
        message = body.get("message") or body.get("detail") or body.get("error")
        if isinstance(message, list):  # FastAPI, HTTP 422
            return "; ".join(map(_invalid_field, message[:5]))
        return _message(message) if isinstance(message, Mapping) else str(message or body)
    text = str(body or "")[:_MAX_BODY_CHARS]
    if not _HTML.match(text):
        return text
    title = _TITLE.search(text)
    return f"an HTML page: {title[1] if title else _TAG.sub(' ', text)}"


def _invalid_field(entry: Any) -> str:
    # Not its "input": it may repeat the whole request.
    if not isinstance(entry, Mapping):
        return str(entry)
    place = entry.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list | tuple) else str(place)
    return f"{where}: {entry.get('msg')}"


def _wait_s(error: Exception) -> float | None:
    if isinstance(error, ProviderError):
        return error.retry_after_s
    response = getattr(error, "response", None)
    return None if response is None else retry_after_s(response.headers, time.time())
