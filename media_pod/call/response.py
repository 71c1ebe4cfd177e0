"""One turn of the bot: the caller's words are recognized, the dialogue answers, speech is queued.

A turn runs as one task, which a barge-in cancels. Within it the dialogue is read in a task of its
own, with a bounded queue of acts between it and the voice: a language model's stream ends when its
text does, and not when that has been spoken. Every wait on a provider has a deadline. A failure is
a `ProviderError`; the call answers it with an apology.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass
from typing import Final

from media_pod.call.events import (
    ProviderAnswered,
    ProviderCancelled,
    ProviderFailed,
    ProviderFinished,
    ProviderRequested,
    Publish,
    TurnStarted,
)
from media_pod.call.playout import Playout
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    Dialogue,
    Expect,
    HangUp,
    Interruption,
    Pause,
    Play,
    Say,
    Speak,
    Transfer,
)
from media_pod.logs import call_logger
from media_pod.providers.chain import ProviderChain, error_type
from media_pod.providers.chat import Usage
from media_pod.providers.deadline import raise_if_cancelled, within
from media_pod.providers.ports import Speech, Tts, Word
from media_pod.providers.recognition import Recognition
from media_pod.providers.requests import PendingRequest, ProviderRequest, pending
from media_pod.providers.tts.fixed_speech import FixedSpeech
from media_pod.providers.tts.sounding import sounding

MAX_ACTS: Final = 32
"""Acts that wait for the voice: half a minute of clauses. A dialogue further ahead waits."""

_logger = logging.getLogger(__name__)

TtsChain = ProviderChain[Tts]


class CallRequests:
    """Publishes what happens to the requests of one call; see `RequestObserver`."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def requested(self, request: ProviderRequest) -> None:
        """The request was sent."""
        self._publish(ProviderRequested, request)

    def answered(self, request: ProviderRequest) -> None:
        """The first result is here."""
        self._publish(ProviderAnswered, request)

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        """All results are here."""
        self._publish(ProviderFinished, request, usage, text)

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        """The provider raised `error`."""
        self._publish(ProviderFailed, request, error_type(error))

    def abandoned(self, request: ProviderRequest) -> None:
        """Nothing waits for the result any more."""
        self._publish(ProviderCancelled, request)


class Responder:
    """Makes the bot's turns of one call."""

    def __init__(
        self,
        dialogue: Dialogue,
        tts: TtsChain,
        fixed: FixedSpeech,
        playout: Playout,
        publish: Publish,
        deadline_s: float,
        on_speech: Callable[[], None],
        on_leave: Callable[[HangUp | Transfer], None],
        on_expect: Callable[[int], None],
        uuid: str,
    ) -> None:
        """Make it for one call.

        Args:
            dialogue: the call's dialogue.
            tts: the voices.
            fixed: sentences that are ready to play.
            playout: takes the speech.
            publish: takes the call's events.
            deadline_s: how long each act may take, unless the dialogue has a `patience_s`.
            on_speech: called as soon as the turn's first speech is queued.
            on_leave: called when the dialogue wants to end the agent's part of the call.
            on_expect: called when the dialogue expects a number of so many digits.
            uuid: the call's, for the log.
        """
        self._dialogue = dialogue
        self._tts = tts
        self._fixed = fixed
        self._playout = playout
        self._publish = publish
        self._requests = CallRequests(publish)
        self._deadline_s = deadline_s
        self._on_speech = on_speech
        self._on_leave = on_leave
        self._on_expect = on_expect
        self._log = call_logger(_logger, uuid)
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
        await self._dialogue.open()
        await self._perform(self._dialogue.greet())

    async def recognize(self, recognition: Recognition) -> str:
        """The words of what the caller said.

        Raises:
            ProviderError: no recognizer could do it.
        """
        return await recognition.finish(self._requests)

    async def answer(self, turn: CallerTurn) -> None:
        """The bot's turn after the caller's."""
        await self._perform(self._dialogue.reply(turn))

    def interrupt(self, cut: Interruption) -> bool:
        """Report an interruption to the dialogue, if it concerns it; returns whether it does."""
        asked, self.dialogue_asked = self.dialogue_asked, False
        if asked:
            try:
                self._dialogue.interrupted(cut)
            except Exception:  # the edge at which a dialogue's bug stops
                self._log.exception("the dialogue failed at an interruption")
        return asked

    async def close_dialogue(self, deadline_s: float) -> None:
        """The call is over: let the dialogue end its acts with effects, until the deadline."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._dialogue.aclose()
        except Exception:  # the edge at which a dialogue's bug stops
            self._log.exception("the dialogue failed at the end of the call")

    async def _perform(self, acts: AsyncIterator[Act]) -> None:
        queue: asyncio.Queue[Act | _End] = asyncio.Queue(MAX_ACTS)
        reading = asyncio.create_task(self._read(acts, queue), name="acts of the dialogue")
        try:
            while not isinstance(act := await queue.get(), _End):
                if isinstance(act, HangUp | Transfer):
                    self._on_leave(act)
                else:
                    await self._do(act)
            if act.error is not None:
                raise act.error
        finally:
            reading.cancel()
            # Room for its `_End`: a dialogue that fails as it closes would wait for it for ever.
            _drain(queue)
            await asyncio.gather(reading, return_exceptions=True)
            _drain(queue)

    async def _read(self, acts: AsyncIterator[Act], queue: "asyncio.Queue[Act | _End]") -> None:
        """Queue the dialogue's acts, each within the deadline, up to the one that ends the call."""
        # Not before: an interruption would concern the dialogue's turn before this one.
        self.dialogue_asked = True
        try:
            with self._stage() as request:
                deadline_s = self._dialogue.patience_s or self._deadline_s
                async with aclosing(within(acts, deadline_s, "the dialogue")) as timed:
                    await self._queue_acts(timed, queue, request)
        except Exception as error:  # raised where the acts are performed
            await queue.put(_End(error))
        else:
            await queue.put(_End(None))

    async def _queue_acts(
        self,
        acts: AsyncIterator[Act],
        queue: "asyncio.Queue[Act | _End]",
        request: PendingRequest | None,
    ) -> None:
        try:
            async for act in acts:
                raise_if_cancelled()
                if request is not None:
                    request.answered()
                if isinstance(act, Say | Play):
                    self._playout.announce(act.text if isinstance(act, Say) else act.name)
                await queue.put(act)
                if isinstance(act, HangUp | Transfer):
                    break  # what came after it would never be said
        except Exception as error:  # reported, and passed on
            if request is not None:
                request.failed(error)
            raise
        if request is not None:
            request.finished()

    def _stage(self) -> AbstractContextManager[PendingRequest | None]:
        """The `llm` stage of a dialogue that does not report its requests itself."""
        if not self._dialogue.name:
            return nullcontext()
        return pending(self._requests, ProviderRequest("llm", self._dialogue.name))

    async def _do(self, act: Say | Speak | Play | Pause | Expect) -> None:
        match act:
            case Say(text):
                await self._say(text)
            case Speak(speech, item):
                self._queue(speech, item)
                await self._until_room()
            case Play(name, pcm):
                # A recording counts as one word, also if its name has several.
                self._queue(Speech(name, pcm, (Word(name, 0, pcm.size),)))
                self._playout.announced()
                await self._until_room()
            case Pause(duration_ms):
                self._playout.pause(duration_ms)
                await self._until_room()
            case Expect(digits):
                self._on_expect(digits)

    async def _say(self, text: str) -> None:
        pieces = list(self._fixed.get(text))
        for piece in pieces:
            self._queue(piece)
            await self._until_room()
        if not pieces:
            speech = self._tts.stream(
                lambda tts: sounding(tts.speak(text), text, tts.name), self._requests, text
            )
            async with aclosing(speech) as stream:
                async for piece in stream:
                    pieces.append(piece)
                    self._queue(piece)
                    await self._until_room()
            self._fixed.keep(text, pieces)
        self._playout.announced()

    def _queue(self, speech: Speech, item: str = "") -> None:
        self._playout.add(speech, item)
        self._on_speech()

    async def _until_room(self) -> None:
        # No deadline: the pod's clock makes room, fifty times a second or not at all.
        while not self._playout.has_room:
            self._room.clear()
            await self._room.wait()


@dataclass(frozen=True, slots=True)
class _End:
    """The dialogue has no more acts, or failed."""

    error: Exception | None


def _drain(queue: "asyncio.Queue[Act | _End]") -> None:
    while not queue.empty():
        left = queue.get_nowait()
        if isinstance(left, _End) and left.error is not None:
            _logger.warning("the dialogue failed when it was closed", exc_info=left.error)
