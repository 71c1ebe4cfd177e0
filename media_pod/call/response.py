"""One turn of the bot: what the caller said is recognized, the dialogue answers, speech is queued.

Runs as one task that a barge-in cancels. Every wait on a provider has a deadline; whatever fails,
fails as `ProviderError` or as the provider's own exception, for the call to apologise.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, TypeVar

from media_pod.call.playout import Playout
from media_pod.dialogues.ports import Act, CallerTurn, Dialogue, HangUp, Pause, Play, Say, Transfer
from media_pod.providers.policy import within
from media_pod.providers.ports import ProviderError, Speech, Tts, Utterance, Word
from media_pod.telemetry.call_metrics import CallMetrics
from media_pod.telemetry.call_trace import CallTrace
from media_pod.telemetry.spans import OpenSpan

PROVIDER: Final = "built-in"
"""What traces and metrics call the provider of the embedded adapters."""


class Asked:
    """A request that is under way; made while the event loop runs, whose time it takes.

    Args:
        kind: stt, llm or tts.
        span: of the request.
        trace: of its call.
        metrics: of the pod.
    """

    def __init__(self, kind: str, span: OpenSpan, trace: CallTrace, metrics: CallMetrics) -> None:
        self._kind = kind
        self._span = span
        self._trace = trace
        self._metrics = metrics
        self._now = asyncio.get_running_loop().time
        self._began_s = self._now()
        self._answered = False
        metrics.asked(kind, PROVIDER)

    def first_chunk(self) -> None:
        """The first result is here; later calls have no effect."""
        self._span.first_chunk()
        if not self._answered:
            self._answered = True
            after_s = self._now() - self._began_s
            self._metrics.first_chunk(self._kind, PROVIDER, after_s, self._trace.trace_id_hex)

    def fail(self, error: Exception) -> None:
        """It raised, or its deadline is over."""
        self._span.fail(error)
        self._metrics.failed(self._kind, PROVIDER)

    def end(self) -> None:
        """All of it is here."""
        self._span.end()


T = TypeVar("T")


class BotTurn:
    """Makes the bot's turns of one call."""

    def __init__(
        self,
        dialogue: Dialogue,
        tts: Tts,
        playout: Playout,
        trace: CallTrace,
        metrics: CallMetrics,
        deadline_s: float,
        on_speech: Callable[[], None],
        on_leave: Callable[[HangUp | Transfer], None],
    ) -> None:
        """Make it for one call.

        Args:
            dialogue: the call's mind.
            tts: the voice.
            playout: where speech goes.
            trace: the call's trace.
            metrics: the pod's.
            deadline_s: how long each result of a provider may take.
            on_speech: called as soon as the turn's first speech is queued.
            on_leave: called when the dialogue wants to end the agent's part of the call.
        """
        self._dialogue = dialogue
        self._tts = tts
        self._playout = playout
        self._trace = trace
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._on_speech = on_speech
        self._on_leave = on_leave
        self._room = asyncio.Event()
        self.asked = False
        """The dialogue has been asked for this turn, so an interruption concerns it."""

    def played(self) -> None:
        """A frame has left: there may be room again."""
        if self._playout.has_room:
            self._room.set()

    async def greet(self) -> None:
        """The bot's first turn."""
        self._trace.turn()
        await self._perform(self._dialogue.greet())

    async def recognize(self, utterance: Utterance) -> str:
        """The words of what the caller said."""
        asked = Asked("stt", self._trace.stt(PROVIDER), self._trace, self._metrics)
        timeout = asyncio.timeout(self._deadline_s)
        try:
            async with timeout:
                text = await utterance.finish()
        except Exception as error:  # told, and passed on
            asked.fail(error)
            if timeout.expired():
                late = f"recognition: nothing for {self._deadline_s:g} s"
                raise ProviderError(late) from error
            raise
        _give_way()
        asked.first_chunk()
        asked.end()
        return text

    async def answer(self, turn: CallerTurn) -> None:
        """The bot's turn after the caller's."""
        await self._perform(self._dialogue.reply(turn))

    async def _perform(self, acts: AsyncIterator[Act]) -> None:
        self.asked = True
        asked = Asked("llm", self._trace.llm(PROVIDER), self._trace, self._metrics)
        async with aclosing(self._stream(acts, "the dialogue", asked)) as stream:
            async for act in stream:
                if isinstance(act, HangUp | Transfer):
                    # What came after it would never be said.
                    self._on_leave(act)
                    break
                await self._do(act)
        asked.end()

    async def _do(self, act: Say | Play | Pause) -> None:
        match act:
            case Say(text):
                await self._say(text)
            case Play(name, pcm):
                # A recording counts as one word, whatever its name is made of.
                self._queue(Speech(name, pcm, (Word(name, 0, pcm.size),)))
                await self._until_room()
            case Pause(duration_ms):
                self._playout.pause(duration_ms)
                await self._until_room()

    async def _say(self, text: str) -> None:
        span = self._trace.tts(PROVIDER)
        span.tell({"bot": text})
        asked = Asked("tts", span, self._trace, self._metrics)
        self._playout.announce(text)
        async with aclosing(self._stream(self._tts.speak(text), "the voice", asked)) as stream:
            async for speech in stream:
                self._queue(speech)
                await self._until_room()
        self._playout.announced()
        asked.end()

    async def _stream(
        self, items: AsyncIterator[T], what: str, asked: Asked
    ) -> AsyncGenerator[T, None]:
        """What a provider gives, with a deadline on each piece; `asked` is told."""
        try:
            async with aclosing(within(items, self._deadline_s, what)) as timed:
                async for item in timed:
                    _give_way()
                    asked.first_chunk()
                    yield item
        except Exception as error:  # told, and passed on
            asked.fail(error)
            raise

    def _queue(self, speech: Speech) -> None:
        self._playout.add(speech)
        self._on_speech()

    async def _until_room(self) -> None:
        # No deadline: the pod's clock makes room, fifty times a second or not at all.
        while not self._playout.has_room:
            self._room.clear()
            await self._room.wait()


def _give_way() -> None:
    """End a turn that was cancelled while a provider swallowed the cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
