"""A language model behind llmock, a server of its own that breaks on demand and judges clients."""

from collections.abc import AsyncIterator

import pytest
from llmock.pytest_plugin import LLMock

from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.chat import (
    ChatItem,
    Finished,
    FinishReason,
    TextDelta,
    ToolCall,
    ToolSpec,
    UserMessage,
)
from media_pod.providers.openai.chat import OpenAiLlm
from media_pod.providers.ports import FailureKind, ProviderError

TOOL = ToolSpec(
    "look_up",
    "Looks a parcel up.",
    {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]},
)


@pytest.fixture
async def llm(llmock: LLMock) -> AsyncIterator[OpenAiLlm]:
    settings = OpenAiLlmSettings(kind="openai", model="gpt-4o", base_url=llmock.base_url())
    llm = OpenAiLlm(settings, "sk-test", deadline_s=0.3)
    await llm.start()
    yield llm
    await llm.aclose()


async def replied(llm: OpenAiLlm, *tools: ToolSpec) -> list[ChatItem]:
    return [item async for item in llm.chat([UserMessage("Where is parcel 47?")], tools)]


def text(items: list[ChatItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


async def test_a_reply_comes_with_the_servers_usage(llmock: LLMock, llm: OpenAiLlm) -> None:
    llmock.reply("On its way, due today.")
    items = await replied(llm)
    assert text(items) == "On its way, due today."
    last = items[-1]
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.STOP
    assert last.usage.output_tokens > 0
    assert not last.usage.estimated
    llmock.assert_resilient(strict=True)


async def test_a_tool_is_called_with_the_models_arguments(llmock: LLMock, llm: OpenAiLlm) -> None:
    llmock.call_tool("look_up", {"number": "47"})
    call, last = await replied(llm, TOOL)
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments.replace(" ", "")) == ("look_up", '{"number":"47"}')
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("truncate", FailureKind.CUT),
        ("disconnect", FailureKind.CUT),
        ("corrupt", FailureKind.BAD_ANSWER),
        ("stall", FailureKind.TIMEOUT),
        ("slow_first_token", FailureKind.TIMEOUT),
        ("rate_limit", FailureKind.RATE_LIMITED),
        ("outage", FailureKind.SERVER_ERROR),
        ("context_overflow", FailureKind.BAD_REQUEST),
    ],
)
async def test_every_fault_is_seen_and_the_next_reply_is_whole(
    llmock: LLMock, llm: OpenAiLlm, fault: str, kind: FailureKind
) -> None:
    arguments = {"stall": {"seconds": 2.0}, "slow_first_token": {"seconds": 2.0}}
    getattr(llmock, fault)(**arguments.get(fault, {}))
    with pytest.raises(ProviderError) as raised:
        await replied(llm)
    assert raised.value.kind is kind
    # Not repeated in here: the waits are for whoever knows the call.
    assert len([each for each in llmock.requests if each.method == "POST"]) == 1
    llmock.reset().reply("Yes.")
    assert text(await replied(llm)) == "Yes."


async def test_it_is_found_by_check(llm: OpenAiLlm) -> None:
    assert "model 'gpt-4o'" in await llm.check()
