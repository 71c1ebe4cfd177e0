"""A Realtime server on loopback that says what a test scripts, in GA or beta names.

It keeps a conversation as the API's reference describes it, and is as strict: no commit of an empty
buffer, no truncation above an item's length, no unknown item, no server that decides turns.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from media_pod.dialogues.realtime import g711

Json = dict[str, Any]

WORD_MS: Final = 200
"""Of the speech of each word, of which the last 40 ms are silent."""
LEVEL: Final = 7932
"""Of the sound: a level of mu-law, so that nothing is rounded."""
BETA_NAMES: Final = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "conversation.item.added": "conversation.item.created",
}


@dataclass
class Answer:
    """One answer of the model."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()
    """Names and arguments."""
    pause_after: int | None = None
    """Words after which it waits for `go_on`."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    error: Json | None = None
    """Of `response.done`."""
    reason: str = ""
    """Of an incomplete answer."""
    lose: bool = False
    """The connection ends instead."""
    late_deltas: bool = False
    """What was made goes on to be sent after a cancellation."""


@dataclass
class Session:
    """One connection."""

    socket: ServerConnection
    setup: Json = field(default_factory=dict)
    received: list[Json] = field(default_factory=list)
    items: list[Json] = field(default_factory=list)
    audio: bytes = b""
    heard: list[bytes] = field(default_factory=list)
    """The audio of each turn."""
    running: "asyncio.Task[None] | None" = None
    cancelled: bool = False

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.received if event["type"] == kind]

    @property
    def said(self) -> list[str]:
        """Roles and texts of the conversation."""
        return [f"{item.get('role', item['type'])}: {_text(item)}" for item in self.items]


class ScriptedRealtime:
    """The server: `answers` in order, then silence."""

    def __init__(
        self,
        *answers: Answer | str,
        beta: bool = False,
        truncation: Literal["yes", "silent", "refused"] = "yes",
        transcripts: Sequence[str | None] = (),
        answers_commits: bool = False,
        refuses: HTTPStatus | None = None,
    ) -> None:
        self.answers = [each if isinstance(each, Answer) else Answer(each) for each in answers]
        self.beta = beta
        self.truncation = truncation
        self.transcripts = list(transcripts)
        """Of the caller's turns; None: the transcription fails."""
        self.answers_commits = answers_commits
        self.refuses = refuses
        self.sessions: list[Session] = []
        self.requests: list[Request] = []
        self.on_setup: Json | None = None
        """An error in place of `session.updated`."""
        self.turn_detection: Json | None = None
        """What the server says it has, whatever it was told."""
        self.text_frames: list[str] = []
        """Sent after the session was set up, as they are."""
        self._ids = 0

    @property
    def session(self) -> Session:
        """The latest connection."""
        return self.sessions[-1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve; the base URL."""
        async with serve(
            self._serve, "127.0.0.1", 0, process_request=self._process, close_timeout=0.1
        ) as server:
            yield f"http://127.0.0.1:{_port(server)}/v1"
            for session in self.sessions:
                await _end(session)

    def _process(self, socket: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if self.refuses is None:
            return None
        body = json.dumps({"error": {"message": "no entry", "code": "invalid_api_key"}})
        return socket.respond(self.refuses, body)

    async def _serve(self, socket: ServerConnection) -> None:
        session = Session(socket)
        self.sessions.append(session)
        announced: Json = {"modalities": ["audio", "text"]} if self.beta else {"audio": {}}
        await self._send(session, "session.created", session=announced)
        try:
            async for message in socket:
                event = json.loads(message)
                session.received.append(event)
                await self._on(session, event)
        except ConnectionClosed:
            pass
        finally:
            await _end(session)

    async def _on(self, session: Session, event: Json) -> None:
        match event["type"]:
            case "session.update":
                await self._set_up(session, event)
            case "input_audio_buffer.append":
                session.audio += b64decode(event["audio"])
            case "input_audio_buffer.clear":
                session.audio = b""
            case "input_audio_buffer.commit":
                await self._commit(session, event)
            case "response.create":
                await self._respond(session, event)
            case "response.cancel":
                session.cancelled = True
                await _end(session)
            case "conversation.item.create":
                await self._create(session, event)
            case "conversation.item.delete":
                await self._delete(session, event)
            case "conversation.item.truncate":
                await self._truncate(session, event)
            case unknown:
                await self._refuse(session, event, f"unknown event {unknown}")

    async def _set_up(self, session: Session, event: Json) -> None:
        setup = session.setup = event["session"]
        heard = setup if self.beta else setup["audio"]["input"]
        assert "turn_detection" in heard, "absent means that the server decides turns"
        if self.on_setup is not None:
            error = {**self.on_setup, "event_id": event["event_id"]}
            await self._send(session, "error", error=error)
            return
        told = json.loads(json.dumps(setup))
        (told if self.beta else told["audio"]["input"])["turn_detection"] = self.turn_detection
        await self._send(session, "session.updated", session=told)
        for frame in self.text_frames:
            await session.socket.send(frame)

    async def _commit(self, session: Session, event: Json) -> None:
        if not session.audio:
            await self._refuse(session, event, "empty", "input_audio_buffer_commit_empty")
            return
        session.heard.append(session.audio)
        session.audio = b""
        item = {"id": self._id("item"), "type": "message", "role": "user", "content": []}
        await self._send(session, "input_audio_buffer.committed", item_id=item["id"])
        await self._add(session, item)
        if self.transcripts:
            text = self.transcripts.pop(0)
            kind = "conversation.item.input_audio_transcription."
            if text is None:
                await self._send(session, f"{kind}failed", item_id=item["id"], error={})
            else:
                await self._send(session, f"{kind}completed", item_id=item["id"], transcript=text)
        if self.answers_commits:
            await self._respond(session, event)

    async def _respond(self, session: Session, event: Json) -> None:
        if session.running is not None and not session.running.done():
            if not self.answers_commits:
                await self._refuse(session, event, "active", "active_response")
                return
            session.cancelled = True
            await _end(session)
        answer = self.answers[0] if self.answers else Answer()
        session.cancelled = False
        session.running = asyncio.create_task(self._answer(session, answer))

    async def _answer(self, session: Session, answer: Answer) -> None:
        response_id = self._id("resp")
        done: Json = {"id": response_id, "status": "completed", "output": []}
        await self._send(session, "response.created", response={"id": response_id})
        if answer in self.answers and not (
            self.answers_commits and not session.of("response.create")
        ):
            self.answers.remove(answer)
        try:
            if answer.lose:
                await session.socket.close(1011, "restart")
                return
            if answer.text:
                await self._speak(session, answer, response_id)
            for name, arguments in answer.calls:
                await self._call(session, response_id, name, arguments)
            if answer.error is not None:
                done |= {"status": "failed", "status_details": {"error": answer.error}}
            elif answer.reason:
                done |= {"status": "incomplete", "status_details": {"reason": answer.reason}}
            done["usage"] = {"input_tokens": 100, "output_tokens": 20}
        except asyncio.CancelledError:
            if not session.cancelled:
                raise
            if answer.late_deltas:
                await self._audio(session, answer.text, response_id, session.items[-1])
            done["status"] = "cancelled"
        await self._send(session, "response.done", response=done)

    async def _speak(self, session: Session, answer: Answer, response_id: str) -> None:
        item: Json = {"id": self._id("item"), "type": "message", "role": "assistant"}
        item |= {"content": [{"type": "output_audio", "transcript": ""}], "audio_ms": 0}
        await self._add(session, item)
        await self._send(session, "response.output_item.added", response_id=response_id, item=item)
        for number, word in enumerate(answer.text.split()):
            if number == answer.pause_after:
                await answer.go_on.wait()
            delta = word if not number else f" {word}"
            item["content"][0]["transcript"] += delta
            await self._send(
                session,
                "response.output_audio_transcript.delta",
                response_id=response_id,
                item_id=item["id"],
                delta=delta,
            )
            await self._audio(session, word, response_id, item)
        ids = {"response_id": response_id, "item_id": item["id"]}
        await self._send(session, "response.output_audio.done", **ids)
        await self._send(
            session, "response.output_audio_transcript.done", **ids, transcript=answer.text
        )
        await self._send(session, "response.output_item.done", response_id=response_id, item=item)

    async def _audio(self, session: Session, text: str, response_id: str, item: Json) -> None:
        for _ in text.split():
            item["audio_ms"] += WORD_MS
            await self._send(
                session,
                "response.output_audio.delta",
                response_id=response_id,
                item_id=item["id"],
                delta=b64encode(self._word(session)).decode(),
            )

    def _word(self, session: Session) -> bytes:
        setup = session.setup
        format_ = setup["output_audio_format"] if self.beta else setup["audio"]["output"]["format"]
        is_g711 = format_ in ("g711_ulaw", {"type": "audio/pcmu"})
        samples_per_ms = 8 if is_g711 else 24
        pcm = np.full(WORD_MS * samples_per_ms, LEVEL, np.int16)
        pcm[-40 * samples_per_ms :] = 0
        return g711.encoded(pcm) if is_g711 else pcm.astype("<i2").tobytes()

    async def _call(self, session: Session, response_id: str, name: str, arguments: str) -> None:
        call_id = self._id("call")
        item = {"id": self._id("item"), "type": "function_call", "status": "completed"}
        item |= {"name": name, "arguments": arguments, "call_id": call_id}
        await self._add(session, item)
        await self._send(session, "response.output_item.done", response_id=response_id, item=item)

    async def _create(self, session: Session, event: Json) -> None:
        item = {"id": self._id("item"), **event["item"]}
        previous = event.get("previous_item_id")
        ids = [each["id"] for each in session.items]
        if previous not in (None, "root", *ids):
            await self._refuse(session, event, f"no item {previous}")
            return
        at = None if previous is None else 0 if previous == "root" else ids.index(previous) + 1
        await self._add(session, item, at)

    async def _add(self, session: Session, item: Json, at: int | None = None) -> None:
        at = len(session.items) if at is None else at
        session.items.insert(at, item)
        previous = session.items[at - 1]["id"] if at else None
        await self._send(session, "conversation.item.added", item=item, previous_item_id=previous)

    async def _delete(self, session: Session, event: Json) -> None:
        found = [item for item in session.items if item["id"] == event["item_id"]]
        if not found:
            await self._refuse(session, event, f"no item {event['item_id']}")
            return
        session.items.remove(found[0])
        await self._send(session, "conversation.item.deleted", item_id=event["item_id"])

    async def _truncate(self, session: Session, event: Json) -> None:
        if self.truncation == "silent":
            return
        found = [item for item in session.items if item["id"] == event["item_id"]]
        end_ms = event["audio_end_ms"]
        if self.truncation == "refused" or not found or end_ms > found[0]["audio_ms"]:
            await self._refuse(session, event, f"cannot truncate to {end_ms} ms")
            return
        found[0]["audio_ms"] = end_ms
        found[0]["content"][0].pop("transcript", None)
        await self._send(session, "conversation.item.truncated", item_id=event["item_id"])

    async def _refuse(self, session: Session, event: Json, text: str, code: str = "") -> None:
        error = {"type": "invalid_request_error", "message": text, "code": code or None}
        await self._send(session, "error", error=error | {"event_id": event.get("event_id")})

    async def _send(self, session: Session, kind: str, /, **fields: Any) -> None:
        name = BETA_NAMES.get(kind, kind) if self.beta else kind
        await session.socket.send(json.dumps({"type": name, "event_id": "x", **fields}))

    def _id(self, sort: str) -> str:
        self._ids += 1
        return f"{sort}_{self._ids}"


def _text(item: Json) -> str:
    if item["type"] == "function_call":
        return str(item["name"])
    if item["type"] == "function_call_output":
        return str(item["output"])
    parts = [part.get("text") or part.get("transcript") or "" for part in item["content"]]
    return "".join(parts) or "(audio)"


async def _end(session: Session) -> None:
    if session.running is not None:
        session.running.cancel()
        await asyncio.gather(session.running, return_exceptions=True)


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])
