"""The conversation of one call with a Realtime server, over as many sessions as it takes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from media_pod.dialogues.agent.history import History
from media_pod.dialogues.realtime.audio_format import CallerAudio
from media_pod.dialogues.realtime.caller_turn import CallerItem
from media_pod.dialogues.realtime.dialect import SessionSetup
from media_pod.dialogues.realtime.item_speech import ItemSpeech
from media_pod.dialogues.realtime.response import RealtimeResponse
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.dialogues.realtime.session import RealtimeSession
from media_pod.providers.chat import Message, UserMessage
from media_pod.providers.ports import Pcm
from media_pod.providers.requests import PendingRequest, ProviderRequest, RequestObserver


@dataclass(slots=True)
class HeardTurn:
    """A turn of the caller that the server has heard."""

    audio: list[Pcm]
    caller: CallerItem
    response: RealtimeResponse | None = None
    """The answer, if it was asked for with the commit."""


class RealtimeConversation:
    """Keeps a session, and its server's history the same as ours.

    Args:
        server: shared by all calls.
        setup: makes the set-up of a session.
        history: of the call; a new session begins with it.
        observer: takes the reports of requests.
        max_samples: of one answer.
    """

    def __init__(
        self,
        server: RealtimeServer,
        setup: Callable[[], SessionSetup],
        history: History,
        observer: RequestObserver,
        max_samples: int,
    ) -> None:
        self.server = server
        self.unanswered: HeardTurn | None = None
        """What the caller said last, until the bot begins to answer, or will not."""
        self.may_answer: Callable[[], bool] = lambda: True
        """Whether an answer can be asked for with the commit of a turn."""
        self._setup = setup
        self._history = history
        self._observer = observer
        self._max_samples = max_samples
        self._session: RealtimeSession | None = None
        self._opening = asyncio.Lock()
        self._responses: list[RealtimeResponse] = []

    @property
    def session(self) -> RealtimeSession | None:
        """The session, if its connection works."""
        session = self._session
        return session if session is not None and session.lost is None else None

    async def connected(self) -> RealtimeSession:
        """The session, a new one with the history so far if there is none.

        Raises:
            ProviderError: the server cannot be reached, refuses, or does not answer in time.
        """
        return await self._connected(self._history.messages)

    async def updated(self) -> RealtimeSession:
        """As `connected`, with the tools that there are now."""
        session, setup = await self.connected(), self._setup()
        if session.setup != setup:
            await session.update(setup)
        return session

    async def heard_again(self, turn: HeardTurn) -> None:
        """After a lost connection: tell a new session the history, and play it the caller's turn.

        Raises:
            ProviderError: as `connected`.
        """
        messages = self._history.messages()
        if messages and isinstance(messages[-1], UserMessage):
            messages.pop()  # the turn, in words
        session = await self._connected(lambda: messages)
        encoder = CallerAudio(self.server.audio_format, self.server.rate_hz)
        for pcm in turn.audio:
            session.append(encoder, pcm)
        session.append(encoder, None)
        turn.caller = session.commit()

    async def respond(self, instructions: str = "") -> RealtimeResponse:
        """Ask for an answer; see `RealtimeSession.respond`. Raises ProviderError."""
        session = await self.connected()
        server = self.server
        request = ProviderRequest("llm", server.name, server.model)
        response = RealtimeResponse(
            PendingRequest(self._observer, request),
            lambda: ItemSpeech(server.audio_format, server.rate_hz, server.profile),
            server.failure,
            server.rate_hz,
            self._max_samples,
            server.deadline_s,
        )
        self._responses = [*(each for each in self._responses if not each.done), response]
        await session.respond(response, instructions)
        return response

    def stop(self, response: RealtimeResponse) -> None:
        """No more of an answer is wanted; calls of tools in it are not made."""
        if response.over:
            return
        if (session := self.session) is not None:
            session.cancel(response)
            for item_id in response.calls:
                session.corrections.delete(item_id)
        else:
            response.abandon()

    def drop_turn(self, turn: HeardTurn | None) -> None:
        """A turn of the caller is none, or comes again: the server forgets it and its answer."""
        if turn is None:
            return
        if turn is self.unanswered:
            self.unanswered = None
        if turn.response is not None:
            self.drop(turn.response)
        if (session := self.session) is not None:
            session.drop(turn.caller)

    def drop(self, response: RealtimeResponse) -> None:
        """An answer of which the caller heard nothing: the server forgets it."""
        self.stop(response)
        for item_id in response.item_ids:
            self.replace(item_id, "")

    def cut(self, item_id: str, heard_ms: int, heard_text: str) -> None:
        """The caller has not heard all of an item.

        Without a session there is nothing to do: the next one begins with what was heard.
        """
        if (session := self.session) is not None:
            session.corrections.cut(item_id, heard_ms, heard_text)

    def replace(self, item_id: str, heard_text: str) -> None:
        """As `cut`, where only the text is known; "" if nothing was heard."""
        if (session := self.session) is not None:
            session.corrections.replace(item_id, heard_text)

    def begin_turn(self) -> None:
        """The caller speaks: what was not answered comes again with this turn."""
        self.drop_turn(self.unanswered)

    async def aclose(self) -> None:
        """End the session."""
        for response in self._responses:
            response.abandon()
            await response.aclose()
        async with self._opening:
            if self._session is not None:
                await self._session.aclose()

    async def _connected(self, messages: Callable[[], list[Message]]) -> RealtimeSession:
        async with self._opening:
            if (session := self.session) is not None:
                return session
            if self._session is not None:
                await self._session.aclose()
            self._session = None
            opened = RealtimeSession(self.server)
            try:
                await opened.open(self._setup())
            except BaseException:
                await opened.aclose()
                raise
            for message in messages():
                opened.add(message)
            self._session = opened  # not before: what is sent while it opens would be lost
            return opened
