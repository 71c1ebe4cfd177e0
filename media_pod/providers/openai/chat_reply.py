"""The chunks of a streamed chat completion, put together to a reply. No I/O.

Chunks are JSON values as the server sent them: the API's schema is followed by few servers in all
details (https://platform.openai.com/docs/api-reference/chat-streaming).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from media_pod.providers.chat import ChatItem, Finished, FinishReason, TextDelta, Usage
from media_pod.providers.openai.think_filter import ThinkFilter
from media_pod.providers.openai.tool_call_deltas import ToolCallDeltas
from media_pod.providers.ports import FailureKind, ProviderError

MAX_REPLY_CHARS: Final = 200_000
"""More than three hours of speech: a model that does not end."""
CHARS_PER_TOKEN: Final = 4
"""OpenAI's rule of thumb for English text."""

_LOG = logging.getLogger(__name__)
_REASONS: Final = {
    "stop": FinishReason.STOP,
    "tool_calls": FinishReason.STOP,
    "function_call": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
"""Whether tools are called is seen from the calls: some servers end them with "stop"."""


class ChatReply:
    """One reply of a model.

    Args:
        prompt_chars: length of the request, for an estimate of its tokens.
        taken_ids: ids of earlier tool calls of the conversation.
        new_id: makes an id for a tool call that has none of its own.
    """

    def __init__(
        self, prompt_chars: int, taken_ids: Iterable[str], new_id: Callable[[], str]
    ) -> None:
        self._prompt_chars = prompt_chars
        self._calls = ToolCallDeltas(taken_ids, new_id)
        self._filter = ThinkFilter()
        self._spoken_chars = 0
        self._content_chars = 0
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None

    @property
    def whole(self) -> bool:
        """Whether a finish reason came, the only proof of a complete reply."""
        return self._reason is not None

    def feed(self, chunk: object) -> str:
        """Add a chunk; returns the text that can be spoken now, perhaps "".

        Raises:
            ProviderError: not of the protocol, or beyond a limit.
        """
        if not isinstance(chunk, Mapping):
            raise _bad_answer(f"a chunk of the type {type(chunk).__name__}, expected an object")
        self._usage = _usage(chunk.get("usage")) or self._usage
        choices = chunk.get("choices")
        # No choice: usage alone, a ping, or the verdict of a filter on the prompt.
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, Mapping):
            return ""
        delta = choice.get("delta")
        text = self._add(delta) if isinstance(delta, Mapping) else ""
        if given := choice.get("finish_reason"):
            reason = str(given)
            if reason not in _REASONS:
                _LOG.info("unknown finish reason %.40r, taken for a stop", reason)
            self._reason = _REASONS.get(reason, FinishReason.STOP)
        return text

    def finish(self) -> Iterator[ChatItem]:
        """The stream has ended: the rest of the text, the tool calls and, last, `Finished`.

        Calls come this late because a reply that was cut must not have effects.

        Raises:
            ProviderError: the stream ended without a finish reason, or a call is not complete.
        """
        reason = self._reason
        if reason is None:
            raise ProviderError(
                f"the stream ended without a finish reason, after {self._content_chars} characters "
                f"of text and {self._calls.size_chars} of tool calls",
                FailureKind.CUT,
            )
        if rest := self._spoken(self._filter.finish()):
            yield TextDelta(rest)
        usage = self._usage or self._estimate()
        calls = list(self._calls.finish(cut=reason is not FinishReason.STOP))
        yield from calls
        if calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        yield Finished(reason, usage)

    def _add(self, delta: Mapping[str, Any]) -> str:
        if calls := delta.get("tool_calls"):
            self._calls.feed(calls)
        content = _content(delta.get("content"))
        # A refusal comes in place of the content. Reasoning is never spoken, but counts as output.
        refusal = _content(delta.get("refusal"))
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        thought = reasoning if isinstance(reasoning, str) else ""
        self._content_chars += len(content) + len(refusal) + len(thought)
        if self._content_chars > MAX_REPLY_CHARS:
            raise _bad_answer(f"a reply of more than {MAX_REPLY_CHARS} characters, expected fewer")
        return self._spoken(self._filter.feed(content) + refusal)

    def _spoken(self, text: str) -> str:
        """`text` without white space at the beginning of the reply, where nothing is said."""
        text = text if self._spoken_chars else text.lstrip()
        self._spoken_chars += len(text)
        return text

    def _estimate(self) -> Usage:
        output_chars = self._content_chars + self._calls.size_chars
        return Usage(
            -(-self._prompt_chars // CHARS_PER_TOKEN), -(-output_chars // CHARS_PER_TOKEN), True
        )


def _content(content: object) -> str:
    """Text of a delta; Mistral's reasoning models send a list of typed parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise _bad_answer(f"content of the type {type(content).__name__}, expected text")
    parts = [part for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
    return "".join(text for part in parts if isinstance(text := part.get("text"), str))


def _usage(usage: object) -> Usage | None:
    if not isinstance(usage, Mapping):
        return None
    tokens = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    match tokens:
        case [int(prompt), int(completion)]:
            return Usage(prompt, completion)
    return None


def _bad_answer(text: str) -> ProviderError:
    return ProviderError(text, FailureKind.BAD_ANSWER)
