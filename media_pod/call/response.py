"""One turn of the bot: the caller's words are recognized, the dialogue answers, speech is queued.

A turn runs as one task, which a barge-in cancels. Every wait on a provider has a deadline. A
failure is a `ProviderError` or the provider's own exception; the call answers it with an apology.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Final, TypeVar

from media_pod.call.events import (
    ProviderAnswered,
    ProviderCancelled,
    ProviderFailed,
    ProviderFinished,
    ProviderKind,
    ProviderRequest,
    ProviderRequested,
    Publish,
    TurnStarted,
)
from media_pod.call.playout import Playout
from media_pod.dialogues.ports import Act, CallerTurn, Dialogue, HangUp, Pause, Play, Say, Transfer
from media_pod.providers.policy import within
from media_pod.providers.ports import ProviderError, Speech, Tts, Utterance, Word

PROVIDER: Final = "built-in"
"""Name of the embedded providers in traces and metrics."""

T = TypeVar("T")


class PendingRequest:
    """One request to a provider, from its start to its one end; publishes both.

    Args:
        publish: takes the events.
        request: the request, which every event carries.
    """

    def __init__(self, publish: Publish, request: ProviderRequest) -> None:
        self._publish = publish
        self._request = request
        self._answered = self._ended = False
        publish(ProviderRequested, request)

    def answered(self) -> None:
        """The first result is here; later calls have no effect."""
        if not self._answered:
            self._answered = True
            self._publish(ProviderAnswered, self._request)

    def failed(self, error: Exception) -> None:
        """The provider raised `error`, or missed its deadline."""
        self._ended = True
        self._publish(ProviderFailed, self._request, type(error).__qualname__)

    def finished(self) -> None:
        """All results are here."""
        self._ended = True
        self._publish(ProviderFinished, self._request)

    def abandoned(self) -> None:
        """Nothing waits for the result any more; no effect after an end."""
        if not self._ended:
            self._ended = True
            self._publish(ProviderCancelled, self._request)


class Responder:
    """Makes the bot's turns of one call."""

    def __init__(
        self,
        dialogue: Dialogue,
        tts: Tts,
        playout: Playout,
        publish: Publish,
        deadline_s: float,
        on_speech: Callable[[], None],
        on_leave: Callable[[HangUp | Transfer], None],
    ) -> None:
        """Make it for one call.

        Args:
            dialogue: the call's dialogue.
            tts: the voice.
            playout: takes the speech.
            publish: takes the call's events.
            deadline_s: how long each result of a provider may take.
            on_speech: called as soon as the turn's first speech is queued.
            on_leave: called when the dialogue wants to end the agent's part of the call.
        """
        self._dialogue = dialogue
        self._tts = tts
        self._playout = playout
        self._publish = publish
        self._deadline_s = deadline_s
        self._on_speech = on_speech
        self._on_leave = on_leave
        self._room = asyncio.Event()
        self._turns = 0
        self.dialogue_asked = False
        """The dialogue works at this turn or has, so an interruption concerns it."""

    def begin_turn(self) -> None:
        """The next turn begins."""
        self._turns += 1
        self._publish(TurnStarted, self._turns)

    def played(self) -> None:
        """A frame has left: there may be room again."""
        if self._playout.has_room:
            self._room.set()

    async def greet(self) -> None:
        """The bot's first turn."""
        self.begin_turn()
        await self._perform(self._dialogue.greet())

    async def recognize(self, utterance: Utterance) -> str:
        """The words of what the caller said.

        Raises:
            ProviderError: recognition took longer than the deadline.
        """
        timeout = asyncio.timeout(self._deadline_s)
        with self._request("stt") as request:
            try:
                async with timeout:
                    text = await utterance.finish()
            except Exception as error:  # published, and passed on
                request.failed(error)
                if timeout.expired():
                    late = f"recognition: nothing for {self._deadline_s:g} s"
                    raise ProviderError(late) from error
                raise
            _raise_if_cancelled()
            request.answered()
            request.finished()
        return text

    async def answer(self, turn: CallerTurn) -> None:
        """The bot's turn after the caller's."""
        await self._perform(self._dialogue.reply(turn))

    async def _perform(self, acts: AsyncIterator[Act]) -> None:
        self.dialogue_asked = True
        with self._request("llm") as request:
            async with aclosing(self._stream(acts, "the dialogue", request)) as stream:
                async for act in stream:
                    if isinstance(act, HangUp | Transfer):
                        # What came after it would never be said.
                        self._on_leave(act)
                        break
                    await self._do(act)
            request.finished()

    async def _do(self, act: Say | Play | Pause) -> None:
        match act:
            case Say(text):
                await self._say(text)
            case Play(name, pcm):
                # A recording counts as one word, also if its name has several.
                self._queue(Speech(name, pcm, (Word(name, 0, pcm.size),)))
                await self._until_room()
            case Pause(duration_ms):
                self._playout.pause(duration_ms)
                await self._until_room()

    async def _say(self, text: str) -> None:
        self._playout.announce(text)
        with self._request("tts", text) as request:
            speech = self._stream(self._tts.speak(text), "the voice", request)
            async with aclosing(speech) as stream:
                async for piece in stream:
                    self._queue(piece)
                    await self._until_room()
            self._playout.announced()
            request.finished()

    @contextmanager
    def _request(self, kind: ProviderKind, text: str = "") -> Iterator[PendingRequest]:
        request = PendingRequest(self._publish, ProviderRequest(kind, PROVIDER, text=text))
        try:
            yield request
        finally:
            request.abandoned()

    async def _stream(
        self, items: AsyncIterator[T], what: str, request: PendingRequest
    ) -> AsyncGenerator[T, None]:
        """The results of a provider, each within the deadline."""
        try:
            async with aclosing(within(items, self._deadline_s, what)) as timed:
                async for item in timed:
                    _raise_if_cancelled()
                    request.answered()
                    yield item
        except Exception as error:  # published, and passed on
            request.failed(error)
            raise

    def _queue(self, speech: Speech) -> None:
        self._playout.add(speech)
        self._on_speech()

    async def _until_room(self) -> None:
        # No deadline: the pod's clock makes room, fifty times a second or not at all.
        while not self._playout.has_room:
            self._room.clear()
            await self._room.wait()


def _raise_if_cancelled() -> None:
    """End a turn that was cancelled while a provider swallowed the cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
