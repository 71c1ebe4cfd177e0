"""What the person who runs the agent is told about a server's error, and what is done about it."""

import json
import socket
import ssl

import httpx2
import openai
import pytest

from media_pod.providers.openai.failures import MAX_MESSAGE_CHARS, provider_error, retry_after_s
from media_pod.providers.ports import FailureKind, ProviderError

NOW_S = 1_800_000_000.0
REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1", extensions={"timeout": {"read": 1.5}})
KEY = "sk-test-0123456789abcdef"


def status_error(status: int, body: object, headers: dict[str, str] | None = None) -> Exception:
    """As the SDK makes it of a response."""
    text = body if isinstance(body, str) else json.dumps(body)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, headers=headers, text=text))
    with openai.OpenAI(
        api_key=KEY,
        base_url="http://127.0.0.1/v1",
        http_client=httpx2.Client(transport=transport),
        max_retries=0,
    ) as sdk:
        try:
            sdk.get("/models", cast_to=object)
        except openai.APIStatusError as error:
            return error
    raise AssertionError(f"no error for HTTP {status}")


def coded(code: object, kind: str = "invalid_request_error", message: str = "Why.") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def found(error: Exception, begun: bool = False) -> tuple[FailureKind, str]:
    failure = provider_error(error, "openai", api_key=KEY, begun=begun)
    return failure.kind, str(failure)


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (400, coded(None), FailureKind.BAD_REQUEST, "openai: HTTP 400: Why."),
        (400, coded("content_filter"), FailureKind.REFUSED, "(content_filter)"),
        (400, coded("context_length_exceeded"), FailureKind.BAD_REQUEST, "Why."),
        (400, coded("400", message="Invalid model name"), FailureKind.NOT_FOUND, "HTTP 400: Inv"),
        (
            400,
            coded("400", "no_db_connection"),
            FailureKind.UNAUTHORIZED,
            "key is not known (Why.)",
        ),
        (401, coded("invalid_api_key"), FailureKind.UNAUTHORIZED, "(invalid_api_key): Why."),
        (402, {"error": {"message": "Pay."}}, FailureKind.QUOTA_EXCEEDED, "Pay."),
        (403, {"detail": "No."}, FailureKind.UNAUTHORIZED, "HTTP 403: No."),
        (404, coded("model_not_found"), FailureKind.NOT_FOUND, "(model_not_found)"),
        (404, {"detail": "Not Found"}, FailureKind.NOT_FOUND, "404: Not Found; expected an API"),
        (404, {"error": "model 'x' not found"}, FailureKind.NOT_FOUND, "model 'x' not found"),
        (404, {"object": "error", "message": "Gone."}, FailureKind.NOT_FOUND, "Gone."),
        (408, "", FailureKind.TIMEOUT, "HTTP 408: no reason given"),
        (413, "too much", FailureKind.BAD_REQUEST, "too much"),
        (429, coded("rate_limit_exceeded"), FailureKind.RATE_LIMITED, "HTTP 429"),
        (429, coded("insufficient_quota"), FailureKind.QUOTA_EXCEEDED, "(insufficient_quota)"),
        (429, coded(None, "insufficient_quota"), FailureKind.QUOTA_EXCEEDED, "Why."),
        (429, "slow down", FailureKind.RATE_LIMITED, "slow down"),
        (500, coded(None, "server_error"), FailureKind.SERVER_ERROR, "HTTP 500: Why."),
        (529, "", FailureKind.SERVER_ERROR, "HTTP 529"),
        (
            422,
            {"detail": [{"loc": ["body", "stream"], "msg": "extra", "input": "secret words"}]},
            FailureKind.BAD_REQUEST,
            "HTTP 422: body.stream: extra",
        ),
        (
            502,
            "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>",
            FailureKind.SERVER_ERROR,
            "HTTP 502: an HTML page: 502 Bad Gateway",
        ),
        (
            503,
            "<html><body><h1>Down</h1> for\n maintenance</body></html>",
            FailureKind.SERVER_ERROR,
            "an HTML page: Down for maintenance",
        ),
    ],
)
def test_a_status_and_its_body_give_kind_and_reason(
    status: int, body: object, kind: FailureKind, text: str
) -> None:
    assert found(status_error(status, body))[0] is kind
    assert text in found(status_error(status, body))[1]
    assert "secret words" not in found(status_error(status, body))[1]


def test_a_redirect_names_the_address_that_was_meant() -> None:
    error = status_error(308, "", {"location": "https://example.com/v1/"})
    kind, text = found(error)
    assert kind is FailureKind.NOT_FOUND
    assert "HTTP 308: redirected to https://example.com/v1/" in text


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ({"message": "Why.", "code": "insufficient_quota"}, FailureKind.QUOTA_EXCEEDED, "Why."),
        ({"message": "Why.", "type": "rate_limit_error"}, FailureKind.RATE_LIMITED, "Why."),
        ({"message": "Why.", "code": 400}, FailureKind.BAD_REQUEST, "(400): Why."),
        ({"message": "Why.", "code": 404}, FailureKind.NOT_FOUND, "Why."),
        ({"message": "Why.", "code": 500, "type": "server_error"}, FailureKind.SERVER_ERROR, ""),
        ({"message": "Why.", "type": ["odd"]}, FailureKind.SERVER_ERROR, "Why."),
        ("CUDA out of memory", FailureKind.SERVER_ERROR, "error in the stream: CUDA out of"),
    ],
)
def test_an_error_inside_a_stream_is_understood(body: object, kind: FailureKind, text: str) -> None:
    error = openai.APIError("An error occurred during streaming", REQUEST, body=body)
    assert found(error, begun=True)[0] is kind
    assert text in found(error, begun=True)[1]


def caused(error: Exception, *causes: Exception) -> Exception:
    for outer, inner in zip([error, *causes], causes, strict=False):
        outer.__cause__ = inner
    return error


def test_a_lost_connection_names_its_cause_and_is_cut_once_the_answer_had_begun() -> None:
    error = caused(
        openai.APIConnectionError(request=REQUEST),
        httpx2.ConnectError(""),
        ssl.SSLCertVerificationError(1, "self-signed certificate"),
    )
    kind, text = found(error)
    assert kind is FailureKind.UNREACHABLE
    assert "no connection: self-signed certificate" in text
    assert found(error, begun=True)[0] is FailureKind.CUT


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (socket.gaierror(-2, "Name unknown"), FailureKind.UNREACHABLE, "Name unknown"),
        (TimeoutError(), FailureKind.TIMEOUT, "a deadline passed"),
        (json.JSONDecodeError("Expecting value", "x", 0), FailureKind.BAD_ANSWER, "expected JSON"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), FailureKind.BAD_ANSWER, "utf-8"),
        (RecursionError("too deep"), FailureKind.BAD_ANSWER, "too deep"),
        (httpx2.InvalidURL("Invalid port"), FailureKind.BAD_REQUEST, "invalid base URL"),
        (ZeroDivisionError("ours"), FailureKind.INTERNAL, "ZeroDivisionError: ours"),
    ],
)
def test_errors_outside_of_the_sdk_are_understood(
    error: Exception, kind: FailureKind, text: str
) -> None:
    assert found(error)[0] is kind
    assert text in found(error)[1]


def test_a_silent_server_is_reported_with_the_limit() -> None:
    error = caused(openai.APITimeoutError(REQUEST), httpx2.ReadTimeout(""))
    assert found(error) == (FailureKind.TIMEOUT, "openai: the server sent nothing for 1.5 s")


def test_an_error_that_lacks_its_provider_gets_it() -> None:
    error = ProviderError("too much audio", FailureKind.BAD_ANSWER, retry_after_s=2)
    failure = provider_error(error, "openai", api_key=KEY)
    assert (str(failure), failure.kind) == ("openai: too much audio", FailureKind.BAD_ANSWER)
    assert failure.retry_after_s == 2


def test_the_key_is_left_out_and_a_missing_one_is_named() -> None:
    error = status_error(401, coded(None, message=f"Incorrect key: {KEY}."))
    assert found(error)[1] == "openai: HTTP 401: Incorrect key: [API key]."
    assert str(provider_error(error, "openai")).endswith("no API key is configured")


def test_a_message_is_one_short_line() -> None:
    _, text = found(status_error(500, "line\n" * 100_000))
    assert "\n" not in text
    assert len(text) <= len("openai: ") + MAX_MESSAGE_CHARS


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after-ms": "150", "retry-after": "1"}, 0.15),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:03 GMT"}, 3.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:59:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_the_wait_may_be_seconds_milliseconds_or_a_date(
    headers: dict[str, str], wait_s: float | None
) -> None:
    assert retry_after_s(headers, NOW_S) == wait_s


def test_the_wait_of_a_rate_limit_is_passed_on() -> None:
    error = status_error(429, coded("rate_limit_exceeded"), {"Retry-After": "0.2"})
    assert provider_error(error, "openai").retry_wait_s == 0.2
