"""An `OpenAiLlm` on a scripted server, and the shortest reply."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.chat import (
    ChatItem,
    Finished,
    FinishReason,
    Message,
    TextDelta,
    Usage,
    UserMessage,
)
from media_pod.providers.openai.chat import OpenAiLlm
from providers.openai.scripted_server import API_KEY, DONE, MODEL, ScriptedServer, chunk

HELLO = [UserMessage("Hello")]
STOP = chunk({}, "stop")
USAGE = {"prompt_tokens": 7, "completion_tokens": 2}
YES: list[ChatItem] = [TextDelta("Yes."), Finished(FinishReason.STOP, Usage(7, 2))]


@asynccontextmanager
async def started(
    url: str, deadline_s: float = 5.0, api_key: str | None = API_KEY, **settings: Any
) -> AsyncIterator[OpenAiLlm]:
    fields = {"kind": "openai", "model": MODEL, "base_url": url} | settings
    llm = OpenAiLlm(OpenAiLlmSettings(**fields), api_key, deadline_s)
    await llm.start()
    try:
        yield llm
    finally:
        await llm.aclose()


async def replied(llm: OpenAiLlm, messages: Sequence[Message] = HELLO) -> list[ChatItem]:
    return [item async for item in llm.chat(messages)]


def says_yes(server: ScriptedServer) -> None:
    server.streams(chunk({"content": "Yes."}), chunk({}, "stop", usage=USAGE), DONE)
