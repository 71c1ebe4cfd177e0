"""The connection to a server: what it is made of, and when it is made."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from media_pod.errors import SetupError
from media_pod.providers.openai import client as module
from media_pod.providers.openai.client import OpenAiClient
from media_pod.providers.ports import FailureKind, ProviderError
from providers.openai.scripted_server import API_KEY, ScriptedServer, answer


@asynccontextmanager
async def started(url: str, api_key: str | None = API_KEY) -> AsyncIterator[OpenAiClient]:
    client = OpenAiClient("model 'x'", url, api_key, deadline_s=5.0)
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


def test_the_modules_load_without_the_sdk() -> None:
    code = (
        "import sys, media_pod.providers.openai.chat, "
        "media_pod.providers.openai.speech, media_pod.providers.openai.transcription; "
        "print({'openai', 'httpx2'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert run.stdout == "set()\n", run.stderr


async def test_a_connection_is_open_before_the_first_request(server: ScriptedServer) -> None:
    async with started(server.url) as client:
        await client.sdk.get("/models", cast_to=object)
    first, second = server.received
    assert first.connection == second.connection
    # Compressed events would wait for each other.
    assert second.headers["Accept-Encoding"] == "identity"


async def test_nothing_of_the_environment_is_sent(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/other")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-foreign")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-foreign")
    monkeypatch.setenv("OPENAI_ORG_ID", "foreign")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "foreign")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Foreign: foreign")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with started(server.url), started(server.url, None):
        pass
    assert [each.headers["Authorization"] for each in server.received] == [
        f"Bearer {API_KEY}",
        "Bearer none",
    ]
    assert "foreign" not in str([each.headers for each in server.received]).lower()


async def test_a_server_that_is_down_at_the_start_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with started("http://127.0.0.1:1/v1"):
        pass
    assert "model 'x' at http://127.0.0.1:1/v1: no connection: [Errno 111]" in caplog.text


async def test_the_start_does_not_wait_for_a_server_that_hangs(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_WAIT_S", 0.01)
    server.hangs()
    server.models = server.answers.pop()
    async with started(server.url):
        """It has started, though no answer came."""


async def test_connections_ahead_are_opened_one_at_a_time(server: ScriptedServer) -> None:
    async with started(server.url) as client:
        server.hangs()
        server.models = server.answers.pop()
        client.connect_ahead()
        client.connect_ahead()
        await asyncio.wait_for(server.hanging.wait(), 5)
        client.connect_ahead()
    # The warm-up at the start, and one.
    assert len(server.received) == 2


async def test_an_answer_without_an_end_is_cut_off(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 1000)
    server.models = answer({"data": ["x" * 1000]})
    async with started(server.url) as client:
        with pytest.raises(Exception, match="Connection error") as raised:
            await client.sdk.get("/models", cast_to=object)
        failure = client.failure(raised.value)
    assert failure.kind is FailureKind.BAD_ANSWER
    assert "more than 1000 bytes" in str(failure)


@pytest.mark.parametrize("key", ["", "sk-test\n", "sk-tést"])
def test_a_key_that_no_header_can_have_is_refused(key: str) -> None:
    with pytest.raises(ProviderError, match="found an API key that is empty or has") as raised:
        OpenAiClient("model 'x'", "http://127.0.0.1/v1", key, 5.0)
    assert raised.value.kind is FailureKind.UNAUTHORIZED
    assert "sk-t" not in str(raised.value)


async def test_the_key_is_in_no_log_and_no_repr(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.models = answer({"error": {"message": f"Wrong key {API_KEY}"}}, 401)
    async with started(server.url) as client:
        assert API_KEY not in f"{client!r} {vars(client)!r}"
    assert "GET" in caplog.text
    assert API_KEY not in caplog.text


def test_a_password_in_the_address_is_not_shown() -> None:
    client = OpenAiClient("model 'x'", "https://me:secret@example.com:8443/v1?k=secret", None, 5.0)
    assert client.what == "openai: model 'x' at https://example.com:8443/v1"


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/v1", "http://[::1/v1", "http://h:x/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ProviderError, match="expected scheme://host:port") as raised:
        OpenAiClient("model 'x'", url, None, 5.0)
    assert raised.value.kind is FailureKind.BAD_REQUEST


async def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    client = OpenAiClient("model 'x'", "http://127.0.0.1:1/v1", None, 5.0)
    with pytest.raises(SetupError, match=r"pip install 'interject\[openai\]'"):
        await client.start()


async def test_a_client_that_is_not_open_says_so(server: ScriptedServer) -> None:
    async with started(server.url) as client:
        pass
    with pytest.raises(ProviderError, match="before start"):
        _ = client.sdk
    client.connect_ahead()
    await client.aclose()


def test_an_error_of_our_own_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = OpenAiClient("model 'x'", "http://127.0.0.1/v1", API_KEY, 5.0)
    assert client.failure(ZeroDivisionError("ours")).kind is FailureKind.INTERNAL
    assert client.failure(TimeoutError()).kind is FailureKind.TIMEOUT
    (record,) = caplog.records
    assert record.exc_info
