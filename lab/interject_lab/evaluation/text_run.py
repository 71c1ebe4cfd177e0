"""A scenario in text: the dialogue alone, without a voice, a line and a pod.

What the bot says counts as heard, but for a turn that the next step interrupts: of that the caller
heard `afterWords` words. A turn that would have ended the call goes on if it is interrupted.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from interject_lab.evaluation.conversation import (
    GREETING,
    AnswerStages,
    BotTurn,
    CallerTurnSeen,
    Ending,
    SeenConversation,
    ToolUse,
)
from interject_lab.evaluation.scenario.document import Scenario
from interject_lab.evaluation.scenario.steps import ScenarioStep
from interject_lab.evaluation.stand_ins.servers import start_stand_ins
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    Dialogue,
    HangUp,
    Interruption,
    Play,
    Say,
    Transfer,
)
from media_pod.manifest.agent import VoiceAgent
from media_pod.pod.services import TextServices
from media_pod.providers.chat import Usage
from media_pod.providers.deadline import within
from media_pod.providers.ports import ProviderError
from media_pod.providers.requests import ProviderRequest

UUID: Final = "eval"


async def converse_in_text(
    scenario: Scenario, agent: VoiceAgent, folder: Path, environ: Mapping[str, str]
) -> SeenConversation:
    """Run the scenario.

    Args:
        scenario: what is said.
        agent: with whom.
        folder: what paths in the agent's document are relative to.
        environ: of the process, for the agent's secrets.

    Raises:
        SetupError: a secret, a package or a file is missing.
        ProviderError: a tool's process does not start.
    """
    async with AsyncExitStack() as stack:
        prepared, model = await start_stand_ins(stack, scenario, agent)
        spec = prepared.spec
        services = TextServices(spec, folder, environ=environ)
        stack.push_async_callback(services.aclose)
        await services.start()
        seen = _TextCall(time.monotonic, spec.phrases.apology)
        call = scenario.call
        info = CallInfo(UUID, call.caller, call.called, variables=call.variables)
        dialogue = services.make_dialogue(spec, folder)(info, seen)
        stack.push_async_callback(dialogue.aclose)
        talk = _TextTalk(scenario, dialogue, seen, spec.turn.no_input_ms)
        await talk.run()
        if model is not None:
            seen.problems += model.problems
        return seen.conversation(model.requests if model is not None else ())


@dataclass(slots=True)
class _TurnInWork:
    """A turn of the bot that is being made."""

    step: int
    began_s: float
    is_answer: bool
    """The caller has said something; otherwise its times tell nothing."""
    texts: list[str] = field(default_factory=list)
    first_token_s: float | None = None
    first_clause_s: float | None = None
    leaves: HangUp | Transfer | None = None
    tools: list[ToolUse] = field(default_factory=list)

    def finished(self) -> BotTurn:
        return BotTurn(
            self.step,
            " ".join(self.texts),
            tools=tuple(self.tools),
            stages=AnswerStages()
            if not self.is_answer
            else AnswerStages(
                first_token_ms=_since_ms(self.first_token_s, self.began_s),
                first_clause_ms=_since_ms(self.first_clause_s, self.began_s),
            ),
        )


def _since_ms(at_s: float | None, since_s: float) -> float | None:
    return None if at_s is None else 1000 * (at_s - since_s)


class _TextCall:
    """The record of one conversation in text; the `RequestObserver` of its dialogue."""

    def __init__(self, now: Callable[[], float], apology: str) -> None:
        self._now = now
        self._apology = apology
        self._bot: list[BotTurn] = []
        self._caller: list[CallerTurnSeen] = []
        self._turn = _TurnInWork(GREETING, now(), is_answer=False)
        self._ending, self._goto = Ending.CALLER, ""
        self.problems: list[str] = []

    def conversation(self, requests: Sequence[Sequence[dict[str, Any]]]) -> SeenConversation:
        return SeenConversation(
            tuple(self._bot),
            tuple(self._caller),
            self._ending,
            self._goto,
            tuple(self.problems),
            requests,
        )

    @property
    def last(self) -> BotTurn:
        return self._bot[-1]

    def cut(self, after_words: int) -> Interruption:
        """The caller interrupts the last turn of the bot."""
        words = self.last.heard.split()
        heard, unheard = " ".join(words[:after_words]), " ".join(words[after_words:])
        self._bot[-1] = replace(self.last, heard=heard, unheard=unheard, cut=True)
        self._ending, self._goto = Ending.CALLER, ""
        return Interruption(heard, unheard, 0, 0)

    async def hear(self, step: int, acts: AsyncIterator[Act]) -> bool:
        """Take one turn of the bot; whether it ends the call."""
        last = self._caller[-1] if self._caller else None
        is_answer = last is not None and bool(last.text or last.digits)
        self._turn = _TurnInWork(step, self._now(), is_answer)
        try:
            async for act in acts:
                self._take(act)
                if self._turn.leaves is not None:
                    break
        except ProviderError as error:
            self.problems.append(f"found a failure: {error}; expected an answer")
            self._turn.texts.append(self._apology)
        self._bot.append(self._turn.finished())
        match self._turn.leaves:
            case HangUp():
                self._ending = Ending.HANG_UP
            case Transfer(goto):
                self._ending, self._goto = Ending.TRANSFER, goto
        return self._turn.leaves is not None

    def caller(self, step: int, turn: CallerTurn) -> None:
        self._caller.append(CallerTurnSeen(step, turn.text, turn.digits))

    def _take(self, act: Act) -> None:
        match act:
            case Say(text) | Play(text):
                if self._turn.first_clause_s is None:
                    self._turn.first_clause_s = self._now()
                self._turn.texts.append(text)
            case HangUp() | Transfer():
                self._turn.leaves = act

    def requested(self, request: ProviderRequest) -> None:
        """See `RequestObserver`."""

    def answered(self, request: ProviderRequest) -> None:
        """See `RequestObserver`."""
        if request.kind == "llm" and self._turn.first_token_s is None:
            self._turn.first_token_s = self._now()

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        """See `RequestObserver`."""
        if request.kind == "tool":
            self._turn.tools.append(ToolUse(request.provider, request.text, text))

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        """See `RequestObserver`."""
        if request.kind == "tool":
            use = ToolUse(request.provider, request.text, str(error), failed=True)
            self._turn.tools.append(use)

    def abandoned(self, request: ProviderRequest) -> None:
        """See `RequestObserver`."""


class _TextTalk:
    """The caller's side."""

    def __init__(
        self, scenario: Scenario, dialogue: Dialogue, seen: _TextCall, no_input_ms: int
    ) -> None:
        self._scenario = scenario
        self._dialogue = dialogue
        self._seen = seen
        self._no_input_ms = no_input_ms

    async def run(self) -> None:
        limit_s = self._scenario.limit_seconds
        try:
            async with asyncio.timeout(limit_s):
                await self._dialogue.open()
                over = await self._hear(GREETING, self._dialogue.greet())
                for number, step in enumerate(self._scenario.steps):
                    if over and step.interrupt is None:
                        self._not_reached(number, step)
                        return
                    over = await self._do(number, step, over)
        except TimeoutError:
            self._seen.problems.append(
                f"found no end after {limit_s} s; expected one within limitSeconds"
            )

    def _not_reached(self, number: int, step: ScenarioStep) -> None:
        if step.text or step.key:
            self._seen.problems.append(
                f"found the end of the call before steps[{number}]; expected it after the last step"
            )

    async def _do(self, number: int, step: ScenarioStep, over: bool) -> bool:
        """One step; whether the call is over after it."""
        if step.silent is not None:
            for _ in range(step.silent.ms // self._no_input_ms):
                over = over or await self._answer(number, CallerTurn(""))
        elif step.key is not None:
            return await self._answer(number, CallerTurn("", step.key.replace("#", "")))
        elif step.interrupt is not None:
            return await self._interrupt(number, step.interrupt.after_words, step.text)
        elif step.say is not None:
            return await self._answer(number, CallerTurn(step.say))
        return over

    async def _interrupt(self, number: int, after_words: int, text: str) -> bool:
        words = len(self._seen.last.heard.split())
        if words <= after_words:
            self._seen.problems.append(
                f"steps[{number}].interrupt.afterWords: found a turn of {words} words; expected "
                f"more than {after_words}"
            )
            return True
        self._dialogue.interrupted(self._seen.cut(after_words))
        return await self._answer(number, CallerTurn(text))

    async def _answer(self, number: int, turn: CallerTurn) -> bool:
        self._seen.caller(number, turn)
        return await self._hear(number, self._dialogue.reply(turn))

    async def _hear(self, number: int, acts: AsyncIterator[Act]) -> bool:
        patience_s = self._dialogue.patience_s or self._scenario.limit_seconds
        async with aclosing(within(acts, patience_s, "the dialogue")) as timed:
            return await self._seen.hear(number, timed)
