"""One session at a Realtime server: what was sent, what has come, and which belongs to which.

Rules
-----
- An error of the server names the command that caused it by `event_id`. One that names none belongs
  to a truncation that waits, else to what has waited longest of: the session's set-up, the commit
  of a turn, a request for a response.
- A request for a response is answered by `response.created`, in order. A server that answers a
  commit by itself, and again for the request, creates one more: as long as nothing has come of a
  response, the latest one created is it.
- Events of other responses than the current one are dropped, by their id.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from media_pod.dialogues.realtime.audio_format import CallerAudio
from media_pod.dialogues.realtime.caller_turn import CallerItem
from media_pod.dialogues.realtime.connection import RealtimeConnection
from media_pod.dialogues.realtime.corrections import Corrections
from media_pod.dialogues.realtime.dialect import (
    SessionSetup,
    event_type,
    is_beta,
    items_of,
    session_update,
    turn_detection,
)
from media_pod.dialogues.realtime.item_order import ItemOrder
from media_pod.dialogues.realtime.response import RealtimeResponse
from media_pod.dialogues.realtime.response_events import apply, response_id, text_of
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.providers.chat import JsonObject, Message
from media_pod.providers.ports import FailureKind, Pcm, ProviderError

IDLE_S: Final = 1.0
"""How long a new response waits for the end of one that was cancelled. Some local servers cancel
only after their language model has finished."""

_logger = logging.getLogger(__name__)


class RealtimeSession:
    """A session, to be opened once.

    Args:
        server: shared by all calls.
    """

    def __init__(self, server: RealtimeServer) -> None:
        self.server = server
        self.setup: SessionSetup
        self.lost: ProviderError | None = None
        """Why the connection ended."""
        self.beta = False
        self._order = ItemOrder()
        self.corrections = Corrections(
            server, self._order, self._command, lambda message: items_of(message, beta=self.beta)
        )
        self._connection: RealtimeConnection | None = None
        self._announced: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._updated: asyncio.Future[Any] = self._announced
        self._update_id = ""
        self._on_error: dict[str, Callable[[ProviderError], None]] = {}
        self._committed: deque[tuple[str, CallerItem]] = deque()
        self._callers: dict[str, CallerItem] = {}
        self._current: RealtimeResponse | None = None
        self._requested: deque[tuple[str, RealtimeResponse]] = deque()
        self._running: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def open(self, setup: SessionSetup) -> None:
        """Connect and set up; called once.

        Raises:
            ProviderError: the server cannot be reached, refuses, or does not answer in time.
        """
        self._connection = await self.server.connect(self._on_event, self._on_lost)
        session = await self._answer(self._announced, "no session")
        self.beta = is_beta(session)
        await self.update(setup)

    async def update(self, setup: SessionSetup) -> None:
        """Set the session up. Raises ProviderError."""
        self.setup = setup
        self._updated = asyncio.get_running_loop().create_future()
        self._update_id = self._send(
            session_update(setup, beta=self.beta), partial(_reject, self._updated)
        )
        session = await self._answer(self._updated, "no answer to session.update")
        if (detection := turn_detection(session)) is not None:
            raise self.server.failure(
                ProviderError(
                    f"found turn_detection {str(detection)[:100]}, expected null: the server "
                    "decides turns by itself",
                    FailureKind.BAD_ANSWER,
                )
            )

    def append(self, audio: CallerAudio, pcm: Pcm | None) -> None:
        """Send audio of the caller; see `RealtimeConnection.send_audio`."""
        if self._connection is not None:
            self._connection.send_audio(audio, pcm)

    def clear(self) -> None:
        """What was appended is not a turn."""
        self._command({"type": "input_audio_buffer.clear"})

    def commit(self) -> CallerItem:
        """What was appended is a turn of the caller."""
        caller = CallerItem()
        event_id = self._send({"type": "input_audio_buffer.commit"}, caller.fail)
        self._committed.append((event_id, caller))
        return caller

    def add(self, message: Message) -> None:
        """Add a message to the server's history."""
        for item in items_of(message, beta=self.beta):
            self._command({"type": "conversation.item.create", "item": item})

    async def respond(self, response: RealtimeResponse, instructions: str = "") -> None:
        """Ask for an answer, which becomes the current response.

        Args:
            response: takes it.
            instructions: in place of the session's; "" for those.
        """
        await self.corrections.settled()
        try:
            async with asyncio.timeout(IDLE_S):
                await self._idle.wait()
        except TimeoutError:
            _logger.debug("%s still works at a response that was cancelled", self.server.what)
        if self.lost is not None:
            response.fail(self.lost)
            return
        body = {"response": {"instructions": instructions}} if instructions else {}
        event_id = self._send({"type": "response.create", **body}, response.fail)
        self._requested.append((event_id, response))
        self._idle.clear()
        self._current = response

    def cancel(self, response: RealtimeResponse) -> None:
        """A response is not wanted any more: the server stops, and its events are dropped."""
        if not response.over:
            named = {"response_id": response.id} if response.id else {}
            self._command({"type": "response.cancel", **named})
        response.abandon()

    def drop(self, caller: CallerItem) -> None:
        """A turn of the caller is not one, or comes again: delete it."""
        if caller.item_id:
            self.corrections.delete(caller.item_id)
        caller.dropped = True

    async def aclose(self) -> None:
        """Close the connection."""
        if self.lost is None:
            self.lost = ProviderError(f"{self.server.what}: the session was closed")
        self.corrections.aclose()
        if self._connection is not None:
            await self._connection.aclose()

    def _command(self, event: JsonObject) -> str:
        return "" if self._connection is None else self._connection.send(event)

    def _send(self, event: JsonObject, on_error: Callable[[ProviderError], None]) -> str:
        event_id = self._command(event)
        self._on_error[event_id] = on_error
        return event_id

    async def _answer(self, future: "asyncio.Future[Any]", late: str) -> Any:
        try:
            async with asyncio.timeout(self.server.deadline_s):
                return await future
        except TimeoutError:
            text = f"{late} within {self.server.deadline_s:g} s"
            raise self.server.failure(ProviderError(text, FailureKind.TIMEOUT)) from None

    def _on_lost(self, error: ProviderError) -> None:
        self.lost = error
        _reject(self._announced, error)
        for on_error in list(self._on_error.values()):
            on_error(error)
        self._on_error.clear()
        if self._current is not None:
            self._current.fail(error)
        for caller in self._callers.values():
            caller.fail(error)
        self._idle.set()

    def _on_event(self, event: JsonObject) -> None:
        kind = event_type(event)
        item_id = text_of(event, "item_id") or text_of(event, "item", "id")
        match kind:
            case "session.created":
                _resolve(self._announced, event.get("session"))
            case "session.updated":
                self._on_updated(event.get("session"))
            case "error":
                self._on_server_error(event.get("error"))
            case "input_audio_buffer.committed":
                self._on_committed(item_id)
            case "conversation.item.added" | "conversation.item.done":
                self._order.added(item_id, text_of(event, "previous_item_id"))
            case "conversation.item.deleted":
                self._order.deleted(item_id)
            case "conversation.item.truncated":
                self.corrections.on_truncated(item_id)
            case "conversation.item.input_audio_transcription.completed":
                if caller := self._callers.pop(item_id, None):
                    caller.transcribed(text_of(event, "transcript"))
            case "conversation.item.input_audio_transcription.failed":
                if caller := self._callers.pop(item_id, None):
                    caller.transcribed(None)
            case _ if kind.startswith("response."):
                self._on_response(kind, event)

    def _on_updated(self, session: object) -> None:
        self._on_error.pop(self._update_id, None)
        _resolve(self._updated, session)

    def _on_committed(self, item_id: str) -> None:
        if not self._committed:
            return
        event_id, caller = self._committed.popleft()
        self._on_error.pop(event_id, None)
        caller.item_id = item_id
        if caller.dropped:
            self.corrections.delete(item_id)
        else:
            self._callers = {item_id: caller}

    def _on_response(self, kind: str, event: JsonObject) -> None:
        found = response_id(event)
        if kind == "response.created":
            self._begin(found)
        current = self._current
        mine = current is not None and current.id == found and not current.abandoned
        if kind == "response.done":
            self._running.discard(found)
            if not self._running and not self._requested:
                self._idle.set()
        if not mine or current is None:
            return
        status = text_of(event, "response", "status")
        if kind == "response.done" and status == "cancelled" and current.empty:
            current.id = ""  # a server that restarts creates another
            return
        apply(current, kind, event, self.server.failure_of)

    def _begin(self, found: str) -> None:
        self._running.add(found)
        self._idle.clear()
        if self._requested:
            event_id, response = self._requested.popleft()
            self._on_error.pop(event_id, None)
            response.id = found
        elif self._current is not None and self._current.empty and not self._current.over:
            self._current.id = found

    def _on_server_error(self, error: object) -> None:
        event_id = text_of({"error": error}, "error", "event_id")
        failure = self.server.failure_of(error)
        if self.corrections.on_error(event_id or None):
            return
        if not event_id:
            event_id = self._blamed()
        on_error = self._on_error.pop(event_id, None)
        if on_error is None:
            _logger.info("%s", failure)
            return
        self._requested = deque(each for each in self._requested if each[0] != event_id)
        self._committed = deque(each for each in self._committed if each[0] != event_id)
        if not self._running and not self._requested:
            self._idle.set()
        on_error(failure)

    def _blamed(self) -> str:
        """The command that an error which names none belongs to."""
        return next(iter(self._on_error), "")


def _resolve(future: "asyncio.Future[Any]", value: object) -> None:
    if not future.done():
        future.set_result(value)


def _reject(future: "asyncio.Future[Any]", error: ProviderError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # the connection may end while nobody waits
