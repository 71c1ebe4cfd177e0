"""One WebSocket to a Realtime server: JSON events out and in, none of which waits."""

import asyncio
import json
import logging
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from media_pod.dialogues.realtime.audio_format import CallerAudio
from media_pod.providers.chat import JsonObject
from media_pod.providers.ports import FailureKind, Pcm, ProviderError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_WAITING: Final = 4096
"""Events that wait to be sent: 80 s of audio in ticks. A server that reads nothing for so long has
missed a deadline before."""
SLICE_S: Final = 1
"""Of the caller's audio, that is resampled and sent at once: 0.2 ms of CPU (measured)."""

_logger = logging.getLogger(__name__)


class RealtimeConnection:
    """The events of one WebSocket, by two tasks of its own.

    Args:
        socket: connected.
        deadline_s: for the server to take an event.
        failure: makes the error of an exception.
        on_event: takes each event of the server; must not raise.
        on_lost: takes the reason when the connection ends, unless it was closed here.
    """

    def __init__(
        self,
        socket: "ClientConnection",
        deadline_s: float,
        failure: Callable[[Exception], ProviderError],
        on_event: Callable[[JsonObject], None],
        on_lost: Callable[[ProviderError], None],
    ) -> None:
        self._socket = socket
        self._deadline_s = deadline_s
        self._failure = failure
        self._on_event = on_event
        self._on_lost = on_lost
        self._waiting: deque[JsonObject | tuple[CallerAudio, Pcm | None]] = deque()
        self._wake = asyncio.Event()
        self._commands = 0
        self._lost = False
        self._tasks = [
            asyncio.create_task(self._guarded(self._receive), name="realtime: receiving"),
            asyncio.create_task(self._guarded(self._send), name="realtime: sending"),
        ]

    def send(self, event: JsonObject) -> str:
        """Queue an event; returns the `event_id` by which an error of the server names it."""
        self._commands += 1
        event_id = f"interject_{self._commands}"
        self._queue({"event_id": event_id, **event})
        return event_id

    def send_audio(self, audio: CallerAudio, pcm: Pcm | None) -> None:
        """Queue audio of the caller.

        Args:
            audio: encodes it.
            pcm: at the line's rate, kept; None at the end of the utterance.
        """
        self._queue((audio, pcm))

    async def aclose(self) -> None:
        """Close the connection; what waits to be sent is dropped."""
        self._lost = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    def _queue(self, item: JsonObject | tuple[CallerAudio, Pcm | None]) -> None:
        if self._lost:
            return
        if len(self._waiting) >= MAX_WAITING:
            late = f"{MAX_WAITING} events wait to be sent, expected a server that reads"
            self._lose(self._failure(ProviderError(late, FailureKind.TIMEOUT)))
            return
        self._waiting.append(item)
        self._wake.set()

    async def _send(self) -> None:
        while True:
            while self._waiting:
                item = self._waiting.popleft()
                if isinstance(item, Mapping):
                    await self._send_text(item)
                else:
                    await self._send_audio(*item)
            self._wake.clear()
            await self._wake.wait()

    async def _send_audio(self, audio: CallerAudio, pcm: Pcm | None) -> None:
        if pcm is None:
            await self._append(audio.finish())
            return
        samples = audio.rate_hz * SLICE_S
        for start in range(0, pcm.size, samples):
            await self._append(audio.feed(pcm[start : start + samples]))

    async def _append(self, data: bytes) -> None:
        if data:
            text = b64encode(data).decode()
            await self._send_text({"type": "input_audio_buffer.append", "audio": text})

    async def _send_text(self, event: JsonObject) -> None:
        async with asyncio.timeout(self._deadline_s):
            await self._socket.send(json.dumps(event))
        await asyncio.sleep(0)

    async def _receive(self) -> None:
        while True:
            event: Any = json.loads(await self._socket.recv())
            if not isinstance(event, dict):
                found = f"expected events that are JSON objects, found {str(event)[:100]!r}"
                raise ProviderError(found, FailureKind.BAD_ANSWER)
            self._on_event(event)
            await asyncio.sleep(0)  # events that are here already do not suspend

    async def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            await work()
        except Exception as error:  # the edge at which all that is foreign becomes one error
            self._lose(self._failure(error))

    def _lose(self, error: ProviderError) -> None:
        if not self._lost:
            self._lost = True
            self._waiting.clear()
            _logger.debug("the connection is lost: %s", error)
            self._on_lost(error)
