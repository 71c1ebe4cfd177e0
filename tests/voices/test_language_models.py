"""The client of language models with real servers: LiteLLM's proxy, and SmolLM2 with llama.cpp."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.chat import (
    ChatItem,
    Finished,
    FinishReason,
    Message,
    TextDelta,
    UserMessage,
)
from media_pod.providers.openai.chat import OpenAiLlm
from media_pod.providers.ports import FailureKind, ProviderError
from voices.litellm_proxy import FIXED, FIXED_REPLY, MASTER_KEY
from voices.smollm2 import MODEL, SmolLm2

DEADLINE_S = 20.0
WRONG_KEY = "sk-interject-wrong"
Show = Callable[[str], None]
CAPITAL = [UserMessage("What is the capital of France?")]
STORY = [UserMessage("Tell me a very long story about a bicycle.")]


@asynccontextmanager
async def client(
    base_url: str, model: str = MODEL, key: str | None = None, max_tokens: int = 40
) -> AsyncIterator[OpenAiLlm]:
    settings = OpenAiLlmSettings(
        kind="openai", model=model, base_url=base_url, max_tokens=max_tokens
    )
    llm = OpenAiLlm(settings, key, DEADLINE_S)
    await llm.start()
    try:
        yield llm
    finally:
        await llm.aclose()


async def timed_reply(
    llm: OpenAiLlm, messages: Sequence[Message], show: Show, server: str = "SmolLM2"
) -> tuple[list[str], Finished]:
    """The deltas and the end; shows when the first came."""
    began = time.monotonic()
    first_ms = 0.0
    items: list[ChatItem] = []
    async with aclosing(llm.chat(messages)) as reply:
        async for item in reply:
            first_ms = first_ms or 1000 * (time.monotonic() - began)
            items.append(item)
    show(f"{server}: first token after {first_ms:.0f} ms")
    *deltas, finished = items
    assert isinstance(finished, Finished)
    return [item.text for item in deltas if isinstance(item, TextDelta)], finished


async def test_smollm2_streams_token_by_token(smollm2: SmolLm2, show: Show) -> None:
    async with client(smollm2.base_url) as llm:
        deltas, finished = await timed_reply(llm, CAPITAL, show)
        assert len(deltas) > 4 and "Paris" in "".join(deltas)
        assert finished.reason is FinishReason.STOP
        assert finished.usage.estimated and finished.usage.output_tokens > 4


async def test_the_limit_of_tokens_is_the_servers(smollm2: SmolLm2, show: Show) -> None:
    async with client(smollm2.base_url, max_tokens=16) as llm:
        deltas, finished = await timed_reply(llm, STORY, show)
        assert len(deltas) == 16
        assert finished.reason is FinishReason.LENGTH


async def test_litellm_streams_and_reports_usage(litellm: str, show: Show) -> None:
    async with client(litellm, FIXED, MASTER_KEY) as llm:
        for _ in range(2):
            deltas, finished = await timed_reply(llm, CAPITAL, show, "LiteLLM")
            assert len(deltas) > 4 and "".join(deltas) == FIXED_REPLY
            assert finished.reason is FinishReason.STOP
            assert not finished.usage.estimated and finished.usage.output_tokens > 4


async def test_litellm_passes_a_stream_on(litellm: str, show: Show) -> None:
    async with client(litellm, MODEL, MASTER_KEY) as llm:
        deltas, finished = await timed_reply(llm, CAPITAL, show, "SmolLM2 behind LiteLLM")
        assert len(deltas) > 4 and "Paris" in "".join(deltas)
        assert finished.reason is FinishReason.STOP


async def stops_when_closed(llm: OpenAiLlm, server: SmolLm2, show: Show) -> None:
    async with aclosing(llm.chat(STORY)) as reply:
        for _ in range(3):
            assert isinstance(await anext(reply), TextDelta)
        before = await server.state()
    after = await server.stopped_since(before, show)
    # While it answers somebody else, nothing else is generated.
    async with client(server.base_url, max_tokens=16) as other:
        deltas, _ = await timed_reply(other, STORY, show)
    assert (await server.state()).generated == after.generated + len(deltas)


async def test_smollm2_stops_when_the_stream_is_closed(smollm2: SmolLm2, show: Show) -> None:
    async with client(smollm2.base_url, max_tokens=400) as llm:
        await stops_when_closed(llm, smollm2, show)


async def test_it_stops_behind_litellm_too(litellm: str, smollm2: SmolLm2, show: Show) -> None:
    async with client(litellm, MODEL, MASTER_KEY, max_tokens=400) as llm:
        await stops_when_closed(llm, smollm2, show)


async def test_the_checks_name_what_is_there(smollm2: SmolLm2, litellm: str) -> None:
    async with client(smollm2.base_url) as llm:
        assert (await llm.check()).endswith("answers, 1 of 1 models")
    async with client(litellm, FIXED, MASTER_KEY) as llm:
        assert (await llm.check()).endswith("answers, 1 of 2 models")
    for base_url, key in ((smollm2.base_url, None), (litellm, MASTER_KEY)):
        async with client(base_url, "SmolLM-135M", key) as llm:
            with pytest.raises(ProviderError, match=f"no such model; nearest: {MODEL}") as caught:
                await llm.check()
            assert caught.value.kind is FailureKind.NOT_FOUND


async def test_a_call_says_that_the_model_is_unknown(
    smollm2: SmolLm2, litellm: str, show: Show
) -> None:
    for base_url, key in ((smollm2.base_url, None), (litellm, MASTER_KEY)):
        async with client(base_url, "gpt-unknown", key) as llm:
            with pytest.raises(ProviderError, match="gpt-unknown") as caught:
                await timed_reply(llm, CAPITAL, show)
            assert caught.value.kind is FailureKind.NOT_FOUND


async def test_a_wrong_key_fails_the_check_and_is_not_shown(litellm: str) -> None:
    async with client(litellm, FIXED, WRONG_KEY) as llm:
        with pytest.raises(ProviderError, match="HTTP 400") as caught:
            await llm.check()
    assert WRONG_KEY not in str(caught.value)
    assert caught.value.retry_wait_s is None
