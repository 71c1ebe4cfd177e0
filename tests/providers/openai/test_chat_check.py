"""What `check` finds out about a language model, and what is told about it."""

import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from media_pod.providers.ports import FailureKind, ProviderError
from providers.openai.llm import YES, replied, says_yes, started
from providers.openai.scripted_server import (
    API_KEY,
    MODEL,
    ScriptedServer,
    answer,
    event,
)
from self_signed import write_pair


async def test_check_finds_the_model_and_gets_an_answer(server: ScriptedServer) -> None:
    server.models = answer({"data": [{"id": "other"}, {"id": f"{MODEL}:latest"}]})
    async with started(server.url) as llm:
        says_yes(server)
        found = await llm.check()
    assert found == f"openai: model '{MODEL}' at {server.url}: answers, 1 of 2 models"


async def test_check_names_the_nearest_models(server: ScriptedServer) -> None:
    server.models = answer({"data": [{"id": name} for name in ("test-modem", "zebra")]})
    async with started(server.url) as llm:
        with pytest.raises(ProviderError, match=r"no such model; nearest: test-modem$") as raised:
            await llm.check()
    async with started(server.url, model="quagga") as llm:
        with pytest.raises(ProviderError, match=r"allowed: test-modem, zebra$"):
            await llm.check()
    assert raised.value.kind is FailureKind.NOT_FOUND
    assert not server.posted


@pytest.mark.parametrize(
    "models", [answer("", 404), answer("", 405), answer("<html></html>"), answer({"models": []})]
)
async def test_check_needs_no_list_of_models(server: ScriptedServer, models: Any) -> None:
    server.models = models
    async with started(server.url) as llm:
        says_yes(server)
        assert (await llm.check()).endswith("answers, without a list of models")


async def test_check_sees_a_wrong_key_with_and_without_a_list(server: ScriptedServer) -> None:
    wrong = {"error": {"message": f"Wrong key {API_KEY}", "code": "invalid_api_key"}}
    async with started(server.url) as llm:
        server.fails(401, wrong)
        with pytest.raises(ProviderError) as public_list:
            await llm.check()
        server.models = answer(wrong, 401)
        with pytest.raises(ProviderError) as raised:
            await llm.check()
    for failure in (public_list.value, raised.value):
        assert failure.kind is FailureKind.UNAUTHORIZED
        assert "Wrong key [API key]" in str(failure)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:1/v1", "refused|Connect call failed"),
        ("http://name.invalid/v1", "Name or service not known|name resolution|No address"),
    ],
)
async def test_check_says_why_a_server_is_not_reachable(url: str, text: str) -> None:
    async with started(url) as llm:
        with pytest.raises(ProviderError, match=text) as raised:
            await llm.check()
    assert raised.value.kind is FailureKind.UNREACHABLE


async def test_a_certificate_that_is_not_trusted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    pair = write_pair(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    scripted = ScriptedServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        async with started(url) as llm:
            with pytest.raises(ProviderError, match="self-signed certificate") as raised:
                await replied(llm)
        assert raised.value.kind is FailureKind.UNREACHABLE
        monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
        async with started(url) as llm:
            says_yes(scripted)
            assert await replied(llm) == YES
    finally:
        await runner.cleanup()


async def test_no_message_has_the_key_whatever_a_server_says(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"Bearer {API_KEY}"
    faults: list[tuple[int, object]] = [
        (400, {"error": {"message": said}}),
        (400, {"error": {"message": f"temperature {said}"}}),
        (401, said),
        (429, {"detail": said}),
        (500, f"<html>{said}</html>"),
    ]
    async with started(server.url, temperature=0.5) as llm:
        for status, body in faults:
            server.fails(status, body)
        server.streams(event({"error": said}))
        server.streams(b"data: " + said.encode() + b"\n\n")
        for _ in range(6):
            with pytest.raises(ProviderError) as raised:
                await replied(llm)
            # Python prints the cause of an exception with it.
            assert API_KEY not in f"{raised.value!r}{raised.value.__cause__!r}"
            assert raised.value.__suppress_context__
    assert not server.answers
    assert API_KEY not in caplog.text
