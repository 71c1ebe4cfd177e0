"""One call's connection to its pipeline: messages out, speech in."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from media_pod.dialogues.pipecat.turn_speech import TurnSpeech
from media_pod.dialogues.pipecat.wire import (
    MessageDecoder,
    MessageKind,
    WireError,
    encoded,
    encoded_json,
    fields,
)
from media_pod.providers.ports import FailureKind, Pcm, ProviderError, Speech

MAX_UNSENT_BYTES: Final = 4 * 2**20
"""Audio of the caller beyond it is dropped: the process has not read for a minute."""
_READ_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class PipelineEnd:
    """The pipeline has ended, or its process has."""

    error: str


class PipecatLink:
    """The messages of one call.

    Args:
        reader, writer: of the connection.
        rate_hz: of the audio.
        what: the beginning of messages about failures.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rate_hz: int,
        what: str,
    ) -> None:
        self._rate_hz = rate_hz
        self._reader = reader
        self._writer = writer
        self._what = what
        self._decoder = MessageDecoder()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived: deque[Pcm] = deque()
        """Bounded by the process, which sends so much ahead of what was taken."""
        self._changed = asyncio.Event()
        self._speech = TurnSpeech(self._rate_hz)
        self._silencing = 0
        """Interruptions that the pipeline has not answered."""
        self.end: PipelineEnd | None = None
        self._reading = asyncio.create_task(self._read(), name="pipecat: messages of a call")

    async def open(self, call: Mapping[str, object]) -> None:
        """Run the pipeline; returns when it runs. Raises ProviderError."""
        self._writer.write(encoded_json(MessageKind.START, rate_hz=self._rate_hz, **call))
        await self._ready

    def hear(self, pcm: Pcm) -> None:
        """The next audio of the caller."""
        if self._writer.transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
            self._send(encoded(MessageKind.AUDIO, pcm.astype("<i2").tobytes()))

    def caller_started(self) -> None:
        """The caller's turn begins."""
        self._send(encoded(MessageKind.CALLER_STARTED))

    def caller_stopped(self) -> None:
        """The caller's turn is over."""
        self._send(encoded(MessageKind.CALLER_STOPPED))

    def digit(self, digit: str) -> None:
        """The caller has keyed a digit."""
        self._send(encoded_json(MessageKind.DIGIT, digit=digit))

    def interrupt(self, heard: str) -> None:
        """The bot fell silent; what is here and on its way of its turn is dropped."""
        self._silencing += 1
        self._arrived.clear()
        self._send(encoded_json(MessageKind.INTERRUPT, heard=heard))

    async def next(self) -> Speech | PipelineEnd:
        """The next part of the bot's turn, or its end; waits as long as it takes."""
        while True:
            if self._arrived:
                pcm = self._arrived.popleft()
                self._send(encoded_json(MessageKind.TAKEN, samples=pcm.size))
                return self._speech.part(pcm)
            if self.end is not None:
                return self.end
            self._changed.clear()
            await self._changed.wait()

    def begin_turn(self) -> None:
        """The next part begins a text of its own."""
        self._speech.begin_parts()

    async def aclose(self) -> None:
        """End the pipeline."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        if not self._ready.done():
            self._ready.cancel()

    def _send(self, message: bytes) -> None:
        if self.end is None:
            self._writer.write(message)

    async def _read(self) -> None:
        error = "its process ended"
        try:
            while data := await self._reader.read(_READ_BYTES):
                for kind, payload in self._decoder.feed(data):
                    self._on_message(kind, payload)
        except (OSError, WireError, KeyError, TypeError, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        self._finish(error)

    def _on_message(self, kind: MessageKind, payload: bytes) -> None:
        match kind:
            case MessageKind.READY:
                if not self._ready.done():
                    self._ready.set_result(None)
            case MessageKind.AUDIO if not self._silencing:
                self._arrived.append(np.frombuffer(payload, "<i2").astype(np.int16))
                self._changed.set()
            case MessageKind.TEXT if not self._silencing:
                place = fields(payload)
                self._speech.place(
                    int(place["number"]), str(place["text"]), int(place["start"]), int(place["end"])
                )
            case MessageKind.SILENCED:
                self._silencing = max(0, self._silencing - 1)
                self._speech = TurnSpeech(self._rate_hz)
            case MessageKind.END:
                self._finish(str(fields(payload)["error"]))

    def _finish(self, error: str) -> None:
        if self.end is None:
            self.end = PipelineEnd(error)
            if not self._ready.done():
                text = f"{self._what}: {error or 'it ended before the call began'}"
                self._ready.set_exception(ProviderError(text, FailureKind.INTERNAL))
                self._ready.exception()
            self._changed.set()
