"""Interface of language models (`Llm`): messages in, a stream of text and tool calls out.

The types are those of a chat in general; each provider translates them to its own format.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from media_pod.providers.ports import Provider

JsonObject = Mapping[str, Any]
"""A JSON object; a JSON schema where it describes parameters."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that the model may call."""

    name: str
    """1 to 64 characters of a-z, A-Z, 0-9, _ and -."""
    description: str
    parameters: JsonObject
    """JSON schema of its arguments, an object."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for, complete."""

    id: str
    """Unique within a conversation; made here if the server gave none."""
    name: str
    arguments: str
    """JSON text as the model wrote it: may be invalid, "" if there are none."""


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """The instructions."""

    text: str


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the caller said or keyed."""

    text: str


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """What the bot said, as far as the caller heard it, and the tools that it called."""

    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The result of a tool call. Every call of an `AssistantMessage` has one: servers reject a
    history with a call that has no result."""

    call_id: str
    text: str


Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the reply, of any length, cut anywhere."""

    text: str


class FinishReason(Enum):
    """Why a reply ended."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    """The limit of tokens cut it."""
    CONTENT_FILTER = "content_filter"
    """The provider's filter cut it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    """The server reported none; counted here from the text (4 characters a token)."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is whole; always the last item of a stream."""

    reason: FinishReason
    usage: Usage


ChatItem = TextDelta | ToolCall | Finished


class Llm(Provider, Protocol):
    """A language model."""

    def chat(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()
    ) -> AsyncIterator[ChatItem]:
        """Stream the reply to `messages`. Closing the iterator cancels the request at the server.

        Raises:
            ProviderError: the request failed, or the stream ended without a finish reason.
        """
