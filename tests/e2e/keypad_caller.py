"""A caller who presses keys, so that no recognizer takes part, and listens all the time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import numpy as np
from pod_on_sockets import Asterisk, Running

from media_pod.call.events import CallRef, Event, ProviderFailed, SpeechPlayed
from media_pod.transport.audiosocket.frames import HANGUP, Frame, FrameKind, encode

TURN_S = 10.0
"""Deadline of one turn of the bot, from its first sound to its last."""
_LOUD = 1000
_SPEECH_FRAMES = 5
"""0.1 s of sound is no click."""


class CallEvents:
    """What the callers of a pod heard, and what failed; a subscriber, on the bus's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queues: dict[UUID, asyncio.Queue[str]] = {}
        self.failures: dict[UUID, set[str]] = {}
        """Kinds of the language model's failures."""

    def texts(self, uuid: UUID) -> asyncio.Queue[str]:
        """Gets a text whenever a turn of the bot, or a part of one, is over."""
        return self._queues.setdefault(uuid, asyncio.Queue())

    def on_event(self, call: CallRef, event: Event) -> None:
        """See `event_bus.Subscriber`."""
        uuid = UUID(call.info.uuid)
        match event:
            case SpeechPlayed(heard=heard):
                self._loop.call_soon_threadsafe(self.texts(uuid).put_nowait, heard)
            case ProviderFailed(request=request) if request.kind == "llm":
                self.failures.setdefault(uuid, set()).add(event.error_type)


class KeypadCaller:
    """One call."""

    def __init__(self, asterisk: Asterisk, texts: asyncio.Queue[str]) -> None:
        self._asterisk = asterisk
        self._texts = texts
        self._loud_frames = 0
        self._heard = asyncio.Event()
        self.hung_up = asyncio.Event()
        """The pod ended the call, in its own way."""

    async def listen(self) -> None:
        """Read what the pod sends, to the end of the call."""
        async for frame in self._asterisk.frames(within_s=None):
            if frame == HANGUP:
                self.hung_up.set()
                self._asterisk.sock.close()
                return
            self._loud_frames += bool(np.abs(np.frombuffer(frame.payload, "<i2")).max() > _LOUD)
            if self._loud_frames >= _SPEECH_FRAMES:
                self._heard.set()

    async def press(self, keys: str) -> None:
        """Press `keys`; what is heard counts from now on."""
        self._loud_frames = 0
        self._heard.clear()
        data = b"".join(encode(Frame(FrameKind.DTMF, key.encode())) for key in keys)
        await asyncio.get_running_loop().sock_sendall(self._asterisk.sock, data)

    async def hears_speech(self, within_s: float) -> None:
        """Until there was speech since the last key."""
        try:
            async with asyncio.timeout(within_s):
                await self._heard.wait()
        except TimeoutError:
            raise AssertionError(f"the line was dead for {within_s:g} s") from None

    async def hears_text(self, is_right: Callable[[str], bool], expected: str) -> str:
        """Until the bot has said a text that is right; that one."""
        found: list[str] = []
        try:
            async with asyncio.timeout(TURN_S):
                while not found or not is_right(found[-1]):
                    found.append(await self._texts.get())
        except TimeoutError:
            raise AssertionError(f"the caller heard {found}; expected {expected!r}") from None
        return found[-1]

    async def hears(self, text: str) -> None:
        """Until the bot has said something that has `text` in it."""
        await self.hears_text(lambda heard: text in heard, text)

    def hang_up(self) -> None:
        """End the connection; the loop may still wait for the socket, so it is not closed yet."""
        self._asterisk.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the socket, once nothing waits for it."""
        self._asterisk.sock.close()


@asynccontextmanager
async def keypad_call(pod: Running, uuid: UUID, events: CallEvents) -> AsyncIterator[KeypadCaller]:
    """A call that has begun; it is over at the end."""
    caller = KeypadCaller(await pod.call(uuid), events.texts(uuid))
    listening = asyncio.create_task(caller.listen())
    try:
        yield caller
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        caller.close()
