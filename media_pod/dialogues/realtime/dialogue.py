"""The dialogue of a speech-to-speech model, which hears, speaks and calls tools.

The answer is asked for with the commit of the caller's turn (`ears`), so that nothing is waited
for. The model's transcript is kept as the history, cut to what was heard; the server's history is
cut to the millisecond. Fixed sentences, such as a filler, are spoken by the pod's voice.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from media_pod.dialogues.agent.agent import AgentSettings, Prompts
from media_pod.dialogues.agent.call_tools import CallActs, CallTools
from media_pod.dialogues.agent.course import COURSE_FIELDS, Course
from media_pod.dialogues.agent.history import History, Step
from media_pod.dialogues.agent.tool_runs import ToolRuns
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    DialogueState,
    HangUp,
    Interruption,
    Say,
    checked_state,
)
from media_pod.dialogues.realtime.conversation import HeardTurn, RealtimeConversation
from media_pod.dialogues.realtime.dialect import SessionSetup
from media_pod.dialogues.realtime.ears import RealtimeEars
from media_pod.dialogues.realtime.response import RealtimeResponse
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.dialogues.realtime.spoken_items import SpokenItems
from media_pod.providers.chain import ProviderChain
from media_pod.providers.chat import SystemMessage, ToolMessage, UserMessage
from media_pod.providers.ports import ProviderError, Stt
from media_pod.providers.recognition import SttChain
from media_pod.providers.requests import RequestObserver
from media_pod.tools.ports import ToolSource

VOICE_RULES: Final = (
    "You are on the telephone. Speak in short, plain sentences, as people talk. The caller can "
    "interrupt you; they heard nothing of what you said after that."
)
GREET: Final = "The call begins. Greet the caller."
GREET_WITH: Final = "The call begins. Greet the caller with exactly these words: {text}"
GO_ON: Final = "[The caller did not want to interrupt. Go on; not heard yet is: {rest}]"
UNTRANSCRIBED: Final = "[The caller spoke.]"
"""In the history, for words that are not known."""


class RealtimeDialogue:
    """The `Dialogue` of one call with a speech-to-speech model.

    Args:
        server: the model's.
        settings: of the agent.
        sources: tools that all calls share.
        prompts: of this call.
        observer: takes the reports of requests and tools.
    """

    name = ""
    early_replies = False
    """The server answers what was committed to it; there is no way to take that back."""

    def __init__(
        self,
        server: RealtimeServer,
        settings: AgentSettings,
        sources: Sequence[ToolSource],
        prompts: Prompts,
        observer: RequestObserver,
    ) -> None:
        self.patience_s = settings.patience_s
        self.history = History()
        self._settings = settings
        self._prompts = prompts
        self._acts = CallActs()
        call_tools = CallTools(
            settings.tools, settings.places, settings.music, settings.rate_hz, self._acts
        )
        self._runs = ToolRuns([call_tools, *sources], observer)
        self._conversation = RealtimeConversation(
            server,
            self._setup,
            self.history,
            observer,
            settings.limits.reply_seconds * server.rate_hz,
        )
        self._conversation.may_answer = self._may_answer
        ears: Stt = RealtimeEars(self._conversation)
        # No fallback follows, so that no time is needed to let a failed one rest.
        self._ears = ProviderChain("stt", [ears], server.deadline_s, lambda: 0.0)
        self._items = SpokenItems(self._conversation)
        self._heard: HeardTurn | None = None
        """The caller's turn that the bot's latest one answers; None for keys, text and silence."""
        self._called: list[Step] = []
        """Steps whose results the server has not got."""
        self._course = Course(settings.limits, self.history)

    @property
    def ears(self) -> SttChain:
        """The model hears the caller itself."""
        return self._ears

    async def open(self) -> None:
        """Connect; a connection that is lost at once is made a second time."""
        try:
            await self._conversation.connected()
        except ProviderError as error:
            if error.retry_wait_s is None:
                raise
            await self._conversation.connected()

    async def greet(self) -> AsyncGenerator[Act, None]:
        """The first words, which the model speaks: given ones, its own, or none."""
        self._heard = None
        if self._settings.greeting.speaks_first == "caller":
            return
        text = self._prompts.greeting
        task = GREET_WITH.format(text=text) if text else GREET
        async with aclosing(self._rounds(f"{self._instructions}\n\n{task}")) as acts:
            async for act in acts:
                yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """Answer the caller's turn; without audio, words and digits it was silence."""
        self._heard = self._conversation.unanswered
        try:
            async with aclosing(self._reply(turn, self._heard)) as acts:
                async for act in acts:
                    self._conversation.unanswered = None
                    yield act
        except ProviderError:
            self._conversation.unanswered = None  # the caller is asked to say it again
            raise
        self._conversation.unanswered = None

    def interrupted(self, cut: Interruption) -> None:
        """Cut the open turn of both histories where the caller interrupted it."""
        self._items.take_texts()
        self.history.interrupted(cut.heard, answered=cut.answered)
        self._items.cut(cut)
        if not cut.answered:
            self._course.turn_comes_again()
            self._conversation.drop_turn(self._heard)

    def snapshot(self) -> DialogueState:
        """See `Dialogue.snapshot`."""
        self._items.take_texts()
        return {"history": self.history.snapshot(), **self._course.snapshot()}

    def restore(self, state: DialogueState) -> None:
        """See `Dialogue.restore`."""
        found = checked_state(state, "the agent", "history", *COURSE_FIELDS)
        self.history.restore(found["history"])
        self._course.restore(found)

    async def aclose(self) -> None:
        """Wait for tools under way, and end the session."""
        try:
            await self._runs.aclose()
        finally:
            await self._conversation.aclose()

    @property
    def _instructions(self) -> str:
        return f"{self._prompts.instructions}\n\n{VOICE_RULES}"

    def _setup(self) -> SessionSetup:
        server = self._conversation.server
        return SessionSetup(
            self._instructions,
            [tool.spec for tool in self._runs.tools.values()],
            server.audio_format,
            server.settings.voice,
            server.settings.transcription_model,
        )

    def _may_answer(self) -> bool:
        """The model can answer at once: no result of a tool is to be told, no limit is reached."""
        limit = self._course.limit(after_next_turn=True)
        return not (self._called or self._runs.running or limit)

    async def _reply(self, turn: CallerTurn, heard: HeardTurn | None) -> AsyncGenerator[Act, None]:
        self._items.begin_turn()
        silent = self._is_silence(turn, heard) or self._course.is_backchannel(turn)
        if silent:
            self._conversation.drop_turn(heard)
            self._course.caller_silent()
            self.history.silence()
        else:
            self._course.caller_spoke()
            self._record(turn, heard)
        async with aclosing(self._runs.results()) as fillers:
            async for filler in fillers:
                yield self._fixed(filler)
        self._acts.withdraw(self._called[-1] if self._called else None)
        if silent:
            async with aclosing(self._silence()) as acts:
                async for act in acts:
                    yield act
            return
        if reason := self._course.limit():
            self._conversation.drop_turn(heard)
            yield self._fixed(self._settings.phrases.limit_goodbye)
            yield HangUp(reason)
            return
        async with aclosing(self._rounds("", turn, heard)) as acts:
            async for act in acts:
                yield act

    def _record(self, turn: CallerTurn, heard: HeardTurn | None) -> None:
        """The caller's turn, in words, as far as they are known."""
        text = turn.text
        if heard is not None and not text:
            text = UNTRANSCRIBED
            heard.caller.on_transcript = lambda late: self.history.amend_caller(UNTRANSCRIBED, late)
        self.history.caller(replace(turn, text=text).as_text)

    def _is_silence(self, turn: CallerTurn, heard: HeardTurn | None) -> bool:
        if turn.digits or turn.text:
            return False
        return heard is None or heard.caller.transcript == ""

    async def _silence(self) -> AsyncGenerator[Act, None]:
        """The caller said nothing: go on where the bot was stopped for it, or ask, or end."""
        phrases = self._settings.phrases
        if self._course.resumes():
            session = await self._conversation.connected()
            session.add(SystemMessage(GO_ON.format(rest=self.history.go_on())))
            async with aclosing(self._rounds()) as acts:
                async for act in acts:
                    yield act
        elif self._course.asks_again():
            yield self._fixed(phrases.still_there)
        else:
            yield self._fixed(phrases.silence_goodbye)
            yield HangUp("the caller is silent")

    async def _rounds(
        self,
        instructions: str = "",
        turn: CallerTurn | None = None,
        heard: HeardTurn | None = None,
    ) -> AsyncGenerator[Act, None]:
        response = await self._first_answer(instructions, turn, heard)
        for number in range(self._settings.limits.tool_rounds):
            if number:
                response = await self._conversation.respond()
            step = self.history.begin_step()
            async with aclosing(self._speak(step, response, heard)) as acts:
                async for act in acts:
                    yield act
            heard = None
            if not step.calls:
                return
            self._called.append(step)
            self._runs.start(step, step.calls)
            async with aclosing(self._runs.results()) as fillers:
                async for filler in fillers:
                    yield self._fixed(filler)
            await self._tell_results()
            ends_turn = self._acts.ends_turn
            for act in self._acts.take():
                yield act
            if ends_turn:
                return
        yield self._fixed(self._settings.phrases.apology)

    async def _first_answer(
        self, instructions: str, turn: CallerTurn | None, heard: HeardTurn | None
    ) -> RealtimeResponse:
        """The answer to the caller's turn: the one that was asked for with it, if it is right."""
        if heard is not None and heard.response is not None:
            if turn is None or not turn.digits:
                return heard.response
            self._conversation.drop(heard.response)
        await self._conversation.updated()
        await self._tell_results()
        if turn is not None and (heard is None or turn.digits):
            session = await self._conversation.connected()
            words = turn.text if heard is None else ""
            session.add(UserMessage(replace(turn, text=words).as_text))
        return await self._conversation.respond(instructions)

    async def _speak(
        self, step: Step, response: RealtimeResponse, heard: HeardTurn | None
    ) -> AsyncGenerator[Act, None]:
        """One answer as it comes; its calls are then in `step`."""
        try:
            async with aclosing(self._items.speak(step, response)) as acts:
                async for act in acts:
                    yield act
        except ProviderError as error:
            if error.retry_wait_s is None or not response.empty:
                raise
            response = await self._again(heard)
            async with aclosing(self._items.speak(step, response)) as acts:
                async for act in acts:
                    yield act
        if response.overlong:
            self._conversation.stop(response)
            return
        step.calls = tuple(response.calls.values())
        outcome = response.outcome
        if outcome is not None:
            self._course.spent(outcome.usage)
        filtered = outcome is not None and outcome.reason == "content_filter"
        if filtered or response.empty:
            yield self._fixed(self._settings.phrases.apology)

    async def _again(self, heard: HeardTurn | None) -> RealtimeResponse:
        """Ask once more, in a new session if the connection was lost."""
        if heard is not None and self._conversation.session is None:
            await self._conversation.heard_again(heard)
        return await self._conversation.respond()

    async def _tell_results(self) -> None:
        """The server gets the results of all calls that have one."""
        if not self._called:
            return
        session = await self._conversation.connected()
        for step in self._called:
            for call in step.calls:
                if call.id in step.results:
                    session.add(ToolMessage(call.id, step.results[call.id]))
        self._called.clear()

    def _fixed(self, text: str) -> Say:
        """A sentence of the pod's voice, which is not in the history."""
        self.history.begin_step().say(text, in_history=False)
        return Say(text)


def make_realtime_dialogue(
    server: RealtimeServer,
    settings: AgentSettings,
    sources: Sequence[ToolSource],
    render: Callable[[CallInfo], Prompts],
    call: CallInfo,
    observer: RequestObserver,
) -> RealtimeDialogue:
    """With the first four arguments bound, a `DialogueFactory`."""
    return RealtimeDialogue(server, settings, sources, render(call), observer)
