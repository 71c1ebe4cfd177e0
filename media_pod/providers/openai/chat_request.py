"""The body of a chat completion request, and the parameters that a server accepts. No I/O."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from media_pod.providers.chat import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
)
from media_pod.providers.openai.tool_call_deltas import is_json_object

_OPENAI_HOST: Final = "api.openai.com"
_TOO_LONG: Final = re.compile(r"context.?(length|window|size)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChatParameters:
    """Optional parameters that a server is believed to accept."""

    limit_names: tuple[str, ...]
    """Names for the limit of tokens that were not rejected yet; the first one is used."""
    temperature: float | None
    usage: bool = True
    """Ask for the usage of a stream."""

    @classmethod
    def expected(cls, base_url: str, temperature: float | None) -> "ChatParameters":
        """What to try first: OpenAI has deprecated max_tokens, others may know nothing else."""
        names = ("max_tokens", "max_completion_tokens")
        at_openai = urlsplit(base_url).hostname == _OPENAI_HOST
        return cls(names[::-1] if at_openai else names, temperature)

    def values(self, max_tokens: int) -> dict[str, Any]:
        """The parameters of a request with a limit of `max_tokens`."""
        values: dict[str, Any] = dict.fromkeys(self.limit_names[:1], max_tokens)
        if self.temperature is not None:
            values["temperature"] = self.temperature
        if self.usage:
            values["stream_options"] = {"include_usage": True}
        return values

    def without_rejected(self, reason: str) -> "ChatParameters | None":
        """These parameters without the first one that a server rejected by name.

        Args:
            reason: what the server says about it.

        Returns:
            None if it names none of them. A conversation that is too long is no reason: servers
            mention the limit of tokens there too.
        """
        if _TOO_LONG.search(reason):
            return None
        named = next((name for name in self.values(1) if re.search(rf"\b{name}\b", reason)), None)
        if named in self.limit_names:
            return replace(self, limit_names=self.limit_names[1:])
        if named == "temperature":
            return replace(self, temperature=None)
        return None if named is None else replace(self, usage=False)


def chat_body(
    model: str, messages: Iterable[Message], tools: Sequence[ToolSpec], parameters: dict[str, Any]
) -> dict[str, Any]:
    """The body of a request for a stream (https://platform.openai.com/docs/api-reference/chat)."""
    body = {"model": model, "messages": [_message(each) for each in messages], "stream": True}
    # An empty list of tools is rejected.
    return body | ({"tools": [_tool(tool) for tool in tools]} if tools else {}) | parameters


def prompt_chars(messages: Iterable[Message], tools: Iterable[ToolSpec]) -> int:
    """Length of what the model reads."""
    calls = sum(len(call.name) + len(call.arguments) for call in tool_calls(messages))
    offered = sum(len(f"{tool.name}{tool.description}{tool.parameters}") for tool in tools)
    return sum(len(message.text) for message in messages) + calls + offered


def tool_calls(messages: Iterable[Message]) -> Iterator[ToolCall]:
    """All calls of a conversation so far."""
    for message in messages:
        if isinstance(message, AssistantMessage):
            yield from message.calls


def _message(message: Message) -> dict[str, Any]:
    match message:
        case SystemMessage(text):
            return {"role": "system", "content": text}
        case UserMessage(text):
            return {"role": "user", "content": text}
        case ToolMessage(call_id, text):
            return {"role": "tool", "tool_call_id": call_id, "content": text}
        case AssistantMessage(text, ()):
            return {"role": "assistant", "content": text}
        case AssistantMessage(text, calls):
            sent = [_call(call) for call in calls]
            return {"role": "assistant", "content": text or None, "tool_calls": sent}


def _call(call: ToolCall) -> dict[str, Any]:
    # Servers parse the arguments of earlier calls and reject the request if they cannot.
    arguments = call.arguments if is_json_object(call.arguments) else "{}"
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}
