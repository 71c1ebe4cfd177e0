"""A key that is replaced while the pod runs."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from media_pod.errors import SetupError
from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.openai.chat import OpenAiLlm
from media_pod.providers.ports import FailureKind, ProviderError
from providers.openai.llm import YES, replied, says_yes
from providers.openai.scripted_server import API_KEY, MODEL, ScriptedServer

NEW_KEY = "sk-new-0123456789abcdef"
REJECTION = {"error": {"message": f"Wrong key: {API_KEY}", "code": "invalid_api_key"}}


@asynccontextmanager
async def with_key_of(
    server: ScriptedServer, read_key: Callable[[], str | None]
) -> AsyncIterator[OpenAiLlm]:
    """A model that began with `API_KEY`."""
    settings = OpenAiLlmSettings(kind="openai", model=MODEL, base_url=server.url)
    llm = OpenAiLlm(settings, API_KEY, 5.0, read_key)
    await llm.start()
    try:
        yield llm
    finally:
        await llm.aclose()


def keys(server: ScriptedServer) -> list[str]:
    return [each.headers["Authorization"] for each in server.posted]


async def test_a_rejected_key_is_read_again_within_the_request(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fails(401, REJECTION)
    for _ in range(2):
        says_yes(server)
    async with with_key_of(server, lambda: NEW_KEY) as llm:
        assert await replied(llm) == YES
        assert await replied(llm) == YES
    assert keys(server) == [f"Bearer {API_KEY}", f"Bearer {NEW_KEY}", f"Bearer {NEW_KEY}"]
    assert server.posted[0].raw == server.posted[1].raw
    assert "the key was rejected, and has been replaced" in caplog.text
    assert API_KEY not in caplog.text and NEW_KEY not in caplog.text


async def test_a_key_that_is_not_rejected_is_not_read_again(server: ScriptedServer) -> None:
    says_yes(server)
    async with with_key_of(server, lambda: NEW_KEY) as llm:
        assert await replied(llm) == YES
    assert keys(server) == [f"Bearer {API_KEY}"]


@pytest.mark.parametrize("found", [API_KEY, None, "", "sk-with\nbreak"])
async def test_without_another_key_the_rejection_stands(
    server: ScriptedServer, found: str | None
) -> None:
    server.fails(401, REJECTION)
    async with with_key_of(server, lambda: found) as llm:
        with pytest.raises(ProviderError) as raised:
            await replied(llm)
    assert raised.value.kind is FailureKind.UNAUTHORIZED
    assert len(server.posted) == 1


async def test_a_secret_that_is_gone_leaves_the_rejection(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    def gone() -> str | None:
        raise SetupError("spec.llm.apiKey: found no file")

    server.fails(401, REJECTION)
    async with with_key_of(server, gone) as llm:
        with pytest.raises(ProviderError, match="Wrong key"):
            await replied(llm)
    assert "spec.llm.apiKey: found no file" in caplog.text


async def test_a_new_key_that_is_rejected_too_is_in_no_message(server: ScriptedServer) -> None:
    server.fails(401, REJECTION)
    server.fails(401, {"error": {"message": f"Wrong key: {NEW_KEY}"}})
    async with with_key_of(server, lambda: NEW_KEY) as llm:
        with pytest.raises(ProviderError, match=r"Wrong key: \[API key\]"):
            await replied(llm)
    assert len(server.posted) == 2
