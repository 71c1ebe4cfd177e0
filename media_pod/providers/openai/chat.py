"""A language model behind OpenAI-compatible chat completions."""

import asyncio
import difflib
import logging
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.chat import ChatItem, Message, TextDelta, ToolSpec, UserMessage
from media_pod.providers.openai.chat_reply import ChatReply
from media_pod.providers.openai.chat_request import (
    ChatParameters,
    chat_body,
    prompt_chars,
    tool_calls,
)
from media_pod.providers.openai.client import OpenAiClient
from media_pod.providers.openai.event_stream import TYPE, json_events
from media_pod.providers.openai.failures import rejection
from media_pod.providers.ports import FailureKind, ProviderError

if TYPE_CHECKING:
    from httpx2 import Response

USAGE_WAIT_S: Final = 0.25
"""How long a reply that has its finish reason waits for the usage and the end of the stream."""

_LOG = logging.getLogger(__name__)
_END: Final = object()
_NEAREST: Final = 5


class OpenAiLlm:
    """Chat completions as an `Llm`; for OpenAI, vLLM, Ollama, llama.cpp, LiteLLM and others."""

    def __init__(
        self,
        settings: OpenAiLlmSettings,
        api_key: str | None,
        deadline_s: float,
        read_key: Callable[[], str | None] | None = None,
    ) -> None:
        """Check the settings; `start` loads the SDK and connects.

        Args:
            settings: model, server and limits.
            api_key: None for a server without keys.
            deadline_s: longest wait for the first and for each further chunk.
            read_key: see `OpenAiClient`.

        Raises:
            ProviderError: the key cannot be sent in an HTTP header.
        """
        self._settings = settings
        self._client = OpenAiClient(
            f"model {settings.model!r}", settings.base_url, api_key, deadline_s, read_key
        )
        self._parameters = ChatParameters.expected(settings.base_url, settings.temperature)

    @property
    def name(self) -> str:
        """The provider's kind."""
        return "openai"

    @property
    def model(self) -> str:
        """The model's name at the server."""
        return self._settings.model

    async def start(self) -> None:
        """See `Provider.start`."""
        await self._client.start()

    async def check(self) -> str:
        """Look the model up in the server's list, then let it begin a reply; see `Provider.check`.

        The list alone proves little: some servers show it without a key, or are not paid.
        """
        listed = await self._listed_models()
        if listed is not None and not _is_listed(self.model, listed):
            raise ProviderError(
                f"{self._client.what}: found no such model; {_nearest(self.model, listed)}",
                FailureKind.NOT_FOUND,
            )
        async with aclosing(self.chat([UserMessage("Say yes.")])) as reply:
            await anext(reply)
        known = "without a list of models" if listed is None else f"1 of {len(listed)} models"
        return f"{self._client.what}: answers, {known}"

    async def aclose(self) -> None:
        """Close the connections; replies that are under way fail."""
        await self._client.aclose()

    async def chat(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()
    ) -> AsyncGenerator[ChatItem, None]:
        """Stream the reply to `messages`; see `Llm.chat`. Tool calls come when all is there."""
        taken_ids = [call.id for call in tool_calls(messages)]
        reply = ChatReply(prompt_chars(messages, tools), taken_ids, _new_id)
        chunks: AsyncGenerator[object, None] | None = None
        ended = False
        try:
            chunks = json_events(await self._open(messages, tools))
            while (chunk := await self._next(chunks, reply)) is not _END:
                if text := reply.feed(chunk):
                    yield TextDelta(text)
            ended = True
            for item in reply.finish():
                yield item
        except Exception as error:
            ended = True
            raise self._client.failure(error, begun=chunks is not None) from None
        finally:
            if chunks is not None:
                await chunks.aclose()
            if not ended:
                self._client.connect_ahead()

    async def _open(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> "Response":
        """Send the request, again without a parameter that the server rejects by name."""
        import openai

        while True:
            sent = self._parameters
            body = chat_body(self.model, messages, tools, sent.values(self._settings.max_tokens))
            try:
                return await self._client.stream("/chat/completions", body, TYPE)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                accepted = sent.without_rejected(rejection(error))
                if accepted is None:
                    raise
                self._parameters = accepted
                _LOG.info("%s; again without it", self._client.failure(error))

    async def _next(self, chunks: AsyncGenerator[object, None], reply: ChatReply) -> object:
        """The next chunk, or `_END`. Nothing that happens to the stream can harm a whole reply."""
        try:
            async with asyncio.timeout(USAGE_WAIT_S if reply.whole else None):
                return await anext(chunks)
        except StopAsyncIteration:
            return _END
        except Exception as error:
            if not reply.whole:
                raise
            _LOG.debug("after the finish reason: %s", type(error).__name__)
            self._client.connect_ahead()
            return _END

    async def _listed_models(self) -> list[str] | None:
        """Names of the server's models; None if it has no list."""
        import openai

        try:
            answer = await self._client.sdk.get("/models", cast_to=object)
        except openai.APIStatusError as error:
            if error.status_code in (404, 405, 501):
                return None
            raise self._client.failure(error) from None
        except Exception as error:
            raise self._client.failure(error) from None
        models = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(models, list):
            return None
        return [
            str(model["id"]) for model in models if isinstance(model, Mapping) and "id" in model
        ]


def _new_id() -> str:
    # Templates of Mistral's models reject ids that are not of 9 letters and digits.
    return uuid.uuid4().hex[:9]


def _is_listed(model: str, listed: Sequence[str]) -> bool:
    # Ollama lists the tag that it adds to a bare name, Gemini the path of its models.
    return any(name in listed for name in (model, f"{model}:latest", f"models/{model}"))


def _nearest(model: str, listed: Sequence[str]) -> str:
    names = difflib.get_close_matches(model, listed, _NEAREST, cutoff=0.4)
    if names:
        return f"nearest: {', '.join(names)}"
    known = ", ".join(sorted(listed)[:_NEAREST])
    return f"allowed: {known or 'none'}{', ...' if len(listed) > _NEAREST else ''}"
