"""An agent whose model, tools and caller are in the test's hands."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from call.doubles import Provider, Unobserved, chain
from media_pod.dialogues.agent.agent import AgentSettings, LanguageAgent, Prompts
from media_pod.dialogues.ports import Act, CallerTurn, Interruption, Say
from media_pod.manifest.conversation import GreetingSettings, LimitsSettings, PhrasesSettings
from media_pod.manifest.tools import ToolSettings
from media_pod.providers.chat import (
    ChatItem,
    Finished,
    FinishReason,
    JsonObject,
    Message,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)
from media_pod.providers.requests import ProviderRequest
from media_pod.tools.ports import Tool, ToolResult

USAGE = Usage(100, 20)
DONE = Finished(FinishReason.STOP, USAGE)
PHRASES = PhrasesSettings()

Reply = Sequence[ChatItem | Exception | Callable[[], Any]]


def says(text: str) -> Reply:
    """A reply, a word at a time."""
    words = text.split(" ")
    deltas = [TextDelta(word if i == 0 else f" {word}") for i, word in enumerate(words)]
    return [*deltas, DONE]


def calls(*names: str, text: str = "", **arguments: str) -> Reply:
    """A reply that calls tools; ids are call-0, call-1, ..."""
    made = [ToolCall(f"call-{i}", name, arguments.get(name, "{}")) for i, name in enumerate(names)]
    finished = Finished(FinishReason.TOOL_CALLS, USAGE)
    return [*([TextDelta(text)] if text else []), *made, finished]


class Model(Provider):
    """Gives `replies` in order; records what it was shown."""

    name = "model"

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.shown: list[list[Message]] = []
        self.offered: list[list[str]] = []
        self.open = 0

    async def chat(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()
    ) -> AsyncGenerator[ChatItem, None]:
        self.shown.append(list(messages))
        self.offered.append([tool.name for tool in tools])
        self.open += 1
        try:
            for item in self.replies.pop(0):
                if isinstance(item, Exception):
                    raise item
                if callable(item):
                    await item()
                else:
                    yield item
        finally:
            self.open -= 1


class Booking:
    """A tool that books: it ends when `finish` is set."""

    filler = "One moment."

    def __init__(self, name: str = "book", result: str = "booked") -> None:
        self.spec = ToolSpec(name, "Books.", {"type": "object", "properties": {}})
        self.result = result
        self.finish = asyncio.Event()
        self.finish.set()
        self.arguments: list[JsonObject] = []
        self.cancelled = 0

    async def call(self, arguments: JsonObject) -> ToolResult:
        self.arguments.append(arguments)
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return ToolResult(self.result)


class Tools:
    """A source of tools."""

    name = "tools"

    def __init__(self, *tools: Tool) -> None:
        self.tools: Sequence[Tool] = tools

    async def start(self) -> None:
        """Nothing to start."""

    async def check(self) -> str:
        return ""

    async def aclose(self) -> None:
        """Nothing to close."""


class Observer(Unobserved):
    """Keeps how requests ended."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []
        self.tokens = 0

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        self.ended.append((request.kind, "finished"))
        self.tokens += 0 if usage is None else usage.input_tokens + usage.output_tokens

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        self.ended.append((request.kind, "failed"))

    def abandoned(self, request: ProviderRequest) -> None:
        self.ended.append((request.kind, "abandoned"))


class Talk:
    """One conversation with an agent, in text."""

    def __init__(
        self,
        *replies: Reply,
        tools: Sequence[Tool] = (),
        settings: Sequence[ToolSettings] = (),
        greeting: str = "Hello, this is the desk.",
        limits: LimitsSettings | None = None,
        deadline_s: float = 5.0,
    ) -> None:
        self.model = Model(*replies)
        self.observer = Observer()
        self.said: list[Act] = []
        self.agent = LanguageAgent(
            chain("llm", self.model, deadline_s=deadline_s),
            AgentSettings(
                greeting=GreetingSettings(),
                limits=limits or LimitsSettings(),
                phrases=PHRASES,
                language="en",
                tools=settings,
                places={"sales": "phones,601,1"},
                music=None,
                rate_hz=8000,
                patience_s=5.0,
            ),
            [Tools(*tools)] if tools else [],
            Prompts("You are the desk.", greeting),
            self.observer,
        )

    async def greeted(self) -> "Talk":
        await self.agent.open()
        await self.hear(self.agent.greet())
        return self

    async def says(self, text: str = "", digits: str = "") -> list[Act]:
        """The bot's whole answer to a turn of the caller."""
        return await self.hear(self.agent.reply(CallerTurn(text, digits)))

    async def hear(self, acts: AsyncIterator[Act]) -> list[Act]:
        self.said = [act async for act in acts]
        return self.said

    def interrupt(self, heard: str, *, answered: bool = True) -> None:
        self.agent.interrupted(Interruption(heard, "", 0, 0, answered))

    @property
    def shown(self) -> list[Message]:
        """What the model was shown last, without the instructions."""
        return self.model.shown[-1][1:]


def spoken(acts: Sequence[Act]) -> str:
    return " ".join(act.text for act in acts if isinstance(act, Say))
