"""The stand-in for a language model, as the pod's own client sees it."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from interject_lab.evaluation.scenario.stand_in_settings import ModelSettings
from interject_lab.evaluation.stand_ins.model_server import StandInModel
from interject_lab.evaluation.stand_ins.web import on_loopback
from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.chat import (
    AssistantMessage,
    ChatItem,
    Finished,
    FinishReason,
    Message,
    TextDelta,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from media_pod.providers.openai.chat import OpenAiLlm
from media_pod.providers.ports import FailureKind, ProviderError

CALL = {"name": "find", "arguments": {"number": "4837"}}
RULES: list[dict[str, Any]] = [
    {"when": {"caller": "hello"}, "say": "Hello,  you there.\nYes?"},
    {"when": {"caller": "/par(c|s)el/"}, "say": "One moment.", "calls": [CALL, CALL]},
    {"when": {"result": "on its way"}, "say": "It is on its way."},
]


def model(rules: Sequence[dict[str, Any]] = RULES) -> StandInModel:
    document = {"firstTokenMs": 0, "tokenMs": 0, "rules": list(rules)}
    return StandInModel(ModelSettings.model_validate(document))


async def chat(stand_in: StandInModel, *messages: Message) -> list[ChatItem]:
    async with on_loopback(stand_in.app) as url:
        settings = OpenAiLlmSettings(kind="openai", model="m", base_url=f"{url}/v1")
        llm = OpenAiLlm(settings, None, 5.0)
        await llm.start()
        try:
            async with aclosing(llm.chat(messages)) as items:
                return [item async for item in items]
        finally:
            await llm.aclose()


async def test_text_comes_word_by_word_and_unchanged() -> None:
    *deltas, finished = await chat(model(), UserMessage("Well, hello!"))
    texts = [item.text for item in deltas if isinstance(item, TextDelta)]
    assert len(texts) == 4
    assert "".join(texts) == "Hello,  you there.\nYes?"
    assert isinstance(finished, Finished) and finished.reason is FinishReason.STOP


async def test_tool_calls_have_ids_of_their_own() -> None:
    items = await chat(model(), UserMessage("Where is my parcel?"))
    calls = [item for item in items if isinstance(item, ToolCall)]
    assert [(call.name, call.arguments) for call in calls] == [("find", '{"number": "4837"}')] * 2
    assert len({call.id for call in calls}) == 2
    assert isinstance(items[-1], Finished) and items[-1].reason is FinishReason.TOOL_CALLS


async def test_the_last_message_decides_whose_rule_it_is() -> None:
    stand_in = model([{"when": {"result": "/./"}, "say": "A result."}, {"say": "No result."}])
    calls = (ToolCall("call_1", "find", "{}"),)
    history = (UserMessage("hello"), AssistantMessage("", calls), ToolMessage("call_1", "x"))
    assert (await chat(stand_in, *history))[0] == TextDelta("A")
    assert (await chat(stand_in, UserMessage("x")))[0] == TextDelta("No")
    assert [len(messages) for messages in stand_in.requests] == [3, 1]


async def test_a_case_without_a_rule_is_an_error_and_a_problem() -> None:
    stand_in = model()
    with pytest.raises(ProviderError, match=r"no rule of model\.rules") as raised:
        await chat(stand_in, UserMessage("What is the moon?"))
    assert raised.value.kind is FailureKind.BAD_REQUEST
    assert stand_in.problems == [
        "found no rule of model.rules for the user message 'What is the moon?'; expected one"
    ]
