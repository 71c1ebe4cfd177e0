"""The dialogue of a language model: its replies become speech as they come, its tools run.

One turn, in rounds: the model replies with text, tool calls or both. Text is cleaned and cut into
clauses, which are spoken while the rest is still being written. The calls of a reply run together;
the model gets their results in the next round. A turn ends with a reply without calls, with an act
that ends it, or at a limit.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from media_pod.dialogues.agent.call_tools import CallActs, CallTools
from media_pod.dialogues.agent.course import COURSE_FIELDS, Course
from media_pod.dialogues.agent.history import History, Step
from media_pod.dialogues.agent.spoken_clauses import spoken_clauses
from media_pod.dialogues.agent.tool_runs import ToolRuns
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    DialogueState,
    HangUp,
    Interruption,
    Say,
    Transfer,
    checked_state,
)
from media_pod.manifest.conversation import GreetingSettings, LimitsSettings, PhrasesSettings
from media_pod.manifest.tools import ToolSettings
from media_pod.providers.chain import ProviderChain
from media_pod.providers.chat import (
    ChatItem,
    Finished,
    FinishReason,
    Llm,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolSpec,
    UserMessage,
)
from media_pod.providers.ports import Pcm
from media_pod.providers.requests import RequestObserver
from media_pod.tools.ports import ToolSource

FLUSH_S: Final = 0.3
"""A model that pauses for so long has said what there is to say for now."""
CHARACTERS_PER_SECOND: Final = 15.0
"""Of speech, for the limit of a reply: 175 words a minute of five letters and a blank."""
TELEPHONE_RULES: Final = (
    "You are on the telephone: what you write is spoken by a voice. Write short, plain sentences, "
    "as people talk. No Markdown, lists, emoji or links. Write numbers the way that they are read "
    "aloud. The caller can interrupt you; what you see as your own words is what they heard."
)
FIRST_WORDS: Final = "[The call begins. Greet the caller.]"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the agents of all calls share."""

    greeting: GreetingSettings
    limits: LimitsSettings
    phrases: PhrasesSettings
    language: str
    tools: Sequence[ToolSettings]
    places: Mapping[str, str]
    """Dialplan location by name of the transfer."""
    music: Pcm | None
    rate_hz: int
    patience_s: float
    """Longest time between two acts: a request, its fallbacks, a tool."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The texts of one call, rendered from their templates."""

    instructions: str
    greeting: str
    """"" if the model makes the first words."""


class LanguageAgent:
    """The `Dialogue` of one call with a language model.

    Args:
        llm: the models.
        settings: of the agent.
        sources: tools that all calls share.
        prompts: of this call.
        observer: takes the reports of requests and tools.
    """

    name = ""
    early_replies = True
    ears: None = None

    def __init__(
        self,
        llm: ProviderChain[Llm],
        settings: AgentSettings,
        sources: Sequence[ToolSource],
        prompts: Prompts,
        observer: RequestObserver,
    ) -> None:
        self.patience_s = settings.patience_s
        self.history = History()
        self._llm = llm
        self._settings = settings
        self._prompts = prompts
        self._observer = observer
        self._acts = CallActs()
        call_tools = CallTools(
            settings.tools, settings.places, settings.music, settings.rate_hz, self._acts
        )
        self._runs = ToolRuns([call_tools, *sources], observer)
        self._calling: Step | None = None
        """Whose calls were made last."""
        self._confirmed: asyncio.Event | None = None
        self._course = Course(settings.limits, self.history)

    async def open(self) -> None:
        """Nothing to prepare: the providers are started with the pod."""

    async def greet(self) -> AsyncGenerator[Act, None]:
        """The first words: fixed, made by the model, or none."""
        if self._settings.greeting.speaks_first == "caller":
            return
        if self._prompts.greeting:
            step = self.history.begin_step()
            step.say(self._prompts.greeting)
            yield Say(self._prompts.greeting)
            return
        async with aclosing(self._rounds()) as acts:
            async for act in acts:
                yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """Answer the caller's words or digits; a turn without either was silence."""
        self._confirmed = turn.confirmed
        async with aclosing(self._reply(turn)) as acts:
            async for act in acts:
                if isinstance(act, HangUp | Transfer):
                    await self._until_confirmed()
                yield act

    async def _reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        said = "" if self._course.is_backchannel(turn) else turn.as_text
        if said:
            self._course.caller_spoke()
            self.history.caller(said)
        else:
            self._course.caller_silent()
            self.history.silence()
        async with aclosing(self._runs.results()) as fillers:
            async for filler in fillers:
                yield self._fixed(filler)
        self._acts.withdraw(self._calling)
        if not said:
            async with aclosing(self._silence(turn)) as acts:
                async for act in acts:
                    yield act
            return
        if reason := self._course.limit():
            yield self._fixed(self._settings.phrases.limit_goodbye)
            yield HangUp(reason)
            return
        async with aclosing(self._rounds()) as acts:
            async for act in acts:
                yield act

    def interrupted(self, cut: Interruption) -> None:
        """Cut the open turn of the history where the caller interrupted it."""
        self.history.interrupted(cut.heard, answered=cut.answered)
        if not cut.answered:
            self._course.turn_comes_again()

    def snapshot(self) -> DialogueState:
        """See `Dialogue.snapshot`."""
        return {"history": self.history.snapshot(), **self._course.snapshot()}

    def restore(self, state: DialogueState) -> None:
        """See `Dialogue.restore`."""
        found = checked_state(state, "the agent", "history", *COURSE_FIELDS)
        self.history.restore(found["history"])
        self._course.restore(found)

    async def aclose(self) -> None:
        """Wait for tools under way."""
        await self._runs.aclose()

    async def _until_confirmed(self) -> None:
        """Nothing has effects before the caller's turn is over."""
        if self._confirmed is not None:
            await self._confirmed.wait()

    async def _silence(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """The caller said nothing: go on where the bot was stopped for it, or ask, or end."""
        phrases = self._settings.phrases
        if self._course.resumes(false_stop=turn.false_stop):
            yield Say(self.history.resume())
        elif self._course.asks_again():
            yield self._fixed(phrases.still_there)
        else:
            yield self._fixed(phrases.silence_goodbye)
            yield HangUp("the caller is silent")

    async def _rounds(self) -> AsyncGenerator[Act, None]:
        for _ in range(self._settings.limits.tool_rounds):
            step = self.history.begin_step()
            async with aclosing(self._speak(step)) as acts:
                async for act in acts:
                    yield act
            if not step.calls:
                return
            await self._until_confirmed()
            self._calling = step
            self._runs.start(step, step.calls)
            async with aclosing(self._runs.results()) as fillers:
                async for filler in fillers:
                    yield self._fixed(filler)
            ends_turn = self._acts.ends_turn
            for act in self._acts.take():
                yield act
            if ends_turn:
                return
        yield self._fixed(self._settings.phrases.apology)

    async def _speak(self, step: Step) -> AsyncGenerator[Act, None]:
        """One reply of the model: its clauses as they come; its calls are then in `step`."""
        reply = _Reply()
        left = self._settings.limits.reply_seconds * CHARACTERS_PER_SECOND
        async with aclosing(self._chat()) as items:
            spoken = spoken_clauses(reply.texts(items), self._settings.language, FLUSH_S)
            async with aclosing(spoken) as clauses:
                async for clause in clauses:
                    step.say(clause)
                    yield Say(clause)
                    left -= len(clause)
                    if left <= 0:
                        return
        step.calls = tuple(reply.calls)
        if reply.finished is not None:
            self._course.spent(reply.finished.usage)
        filtered = reply.finished and reply.finished.reason is FinishReason.CONTENT_FILTER
        if filtered or not (step.spoken or step.calls):
            yield self._fixed(self._settings.phrases.apology)

    def _chat(self) -> AsyncGenerator[ChatItem, None]:
        messages = self.history.messages()
        instructions = f"{self._prompts.instructions}\n\n{TELEPHONE_RULES}"
        prompt = [SystemMessage(instructions), *(messages or [UserMessage(FIRST_WORDS)])]
        specs: list[ToolSpec] = [tool.spec for tool in self._runs.tools.values()]
        return self._llm.stream(lambda llm: llm.chat(prompt, specs), self._observer)

    def _fixed(self, text: str) -> Say:
        """A sentence that is spoken and is not in the history."""
        self.history.begin_step().say(text, in_history=False)
        return Say(text)


class _Reply:
    """What a model's stream has beside text."""

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []
        self.finished: Finished | None = None

    async def texts(self, items: AsyncIterator[ChatItem]) -> AsyncGenerator[str, None]:
        """The text of `items` as it comes; the rest is kept."""
        async for item in items:
            match item:
                case TextDelta(text):
                    yield text
                case ToolCall():
                    self.calls.append(item)
                case Finished():
                    self.finished = item


def make_agent(
    llm: ProviderChain[Llm],
    settings: AgentSettings,
    sources: Sequence[ToolSource],
    render: Callable[[CallInfo], Prompts],
    call: CallInfo,
    observer: RequestObserver,
) -> LanguageAgent:
    """With the first four arguments bound, a `DialogueFactory`."""
    return LanguageAgent(llm, settings, sources, render(call), observer)
