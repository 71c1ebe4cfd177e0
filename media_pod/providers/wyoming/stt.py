"""Speech recognition by a Wyoming server, to which the audio goes while the caller speaks."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

import numpy as np
from wyoming.asr import Transcribe
from wyoming.event import Event

from media_pod.manifest.providers import WyomingSttSettings
from media_pod.providers.ports import FailureKind, Pcm, ProviderError
from media_pod.providers.wyoming.connection import WyomingConnection
from media_pod.providers.wyoming.pool import WyomingPool
from media_pod.providers.wyoming.server_info import describe

MAX_UTTERANCE_S: Final = 60
"""Audio beyond it is dropped: two minutes of wideband speech would take 4 MB per call."""
CHUNK_MS: Final = 100
"""Audio that is sent in one event: a fifth of the events that ticks of 20 ms would make."""
CHECK_SILENCE_MS: Final = 500


class WyomingStt:
    """A Wyoming server as an `Stt`.

    Args:
        settings: of the manifest.
        rate_hz: sample rate of the line; the server resamples.
        language: of the caller, unless `settings` has one: a tag such as "en-US".
        deadline_s: for each answer, counted from the end of the utterance.
    """

    def __init__(
        self, settings: WyomingSttSettings, rate_hz: int, language: str, deadline_s: float
    ) -> None:
        self._model = settings.model
        self._language = settings.language or language
        self._asked_language: str | None = self._language
        self._rate_hz = rate_hz
        self._deadline_s = deadline_s
        self._pool = WyomingPool(settings.address, deadline_s)
        self._utterances: set[asyncio.Task[str]] = set()

    @property
    def name(self) -> str:
        """See `Provider`."""
        return "wyoming"

    @property
    def model(self) -> str:
        """See `Provider`."""
        return self._model or ""

    async def start(self) -> None:
        """Ask the server how it writes the language, and open a connection ahead."""
        with suppress(ProviderError):
            async with self._pool.connection() as connection:
                info = await describe(connection, "asr", self._deadline_s)
                self._asked_language = info.language(self._language, self._model)

    async def check(self) -> str:
        """See `Provider`: find the model, and recognize half a second of silence."""
        async with self._pool.connection() as connection:
            info = await describe(connection, "asr", self._deadline_s)
        info.require(self._pool.peer, "recognition model", self._model)
        self._asked_language = info.language(self._language, self._model)
        utterance = self.listen()
        utterance.feed(np.zeros(CHECK_SILENCE_MS * self._rate_hz // 1000, np.int16))
        text = await utterance.finish()
        model = f"model {self._model or 'of the server'}"
        language = self._asked_language or f"its own language, as it lists no {self._language}"
        return (
            f"{self._pool.peer}: {', '.join(info.programs)}, {model}, {language}; "
            f"{CHECK_SILENCE_MS} ms of silence were recognized as {text!r}"
        )

    def listen(self) -> "WyomingUtterance":
        """Start an utterance: the server hears it from now on."""
        utterance = WyomingUtterance(
            self._pool,
            Transcribe(name=self._model, language=self._asked_language),
            self._rate_hz,
            self._deadline_s,
        )
        self._utterances.add(utterance.task)
        utterance.task.add_done_callback(self._utterances.discard)
        return utterance

    async def aclose(self) -> None:
        """Abandon all utterances and close the connections."""
        utterances = list(self._utterances)
        for task in utterances:
            task.cancel()
        await asyncio.gather(*utterances, return_exceptions=True)
        await self._pool.aclose()


class WyomingUtterance:
    """One utterance, which owns a task and a connection until it is finished or discarded.

    Audio waits in a queue while the connection is slow; all of it together is at most
    `MAX_UTTERANCE_S`.
    """

    def __init__(
        self, pool: WyomingPool, request: Transcribe, rate_hz: int, deadline_s: float
    ) -> None:
        self._pool = pool
        self._request = request
        self._format = {"rate": rate_hz, "width": 2, "channels": 1}
        self._deadline_s = deadline_s
        self._room = MAX_UTTERANCE_S * rate_hz
        self._chunk_samples = CHUNK_MS * rate_hz // 1000
        self._queue: deque[Pcm] = deque()
        self._queued_samples = 0
        self._ended = False
        self._wake = asyncio.Event()
        self._partial = ""
        self.task: Final = asyncio.create_task(self._recognized(), name="wyoming: utterance")
        # An utterance that failed and is discarded has nobody to tell.
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def partial(self) -> str:
        """The words so far, of servers that stream them."""
        return " ".join(self._partial.split())

    def feed(self, pcm: Pcm) -> None:
        """Queue a copy of `pcm`, up to the limit."""
        taken = pcm[: self._room].copy()
        if self._ended or not taken.size:
            return
        self._room -= taken.size
        self._queue.append(taken)
        self._queued_samples += taken.size
        if self._queued_samples >= self._chunk_samples:
            self._wake.set()

    async def finish(self) -> str:
        """The text of the whole utterance; see `Utterance.finish`."""
        self._ended = True
        self._wake.set()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self.task
        except TimeoutError as error:
            raise ProviderError(
                f"{self._pool.peer}: no transcript within {self._deadline_s:g} s after the end of "
                f"{MAX_UTTERANCE_S - self._room / self._format['rate']:.1f} s of audio",
                FailureKind.TIMEOUT,
            ) from error
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if this is not None and this.cancelling():
                raise
            raise ProviderError(f"{self._pool.peer}: the utterance was abandoned") from None

    def discard(self) -> None:
        """Abandon the utterance, unless it is finished: the connection closes."""
        if not self._ended:
            self._ended = True
            self.task.cancel()

    async def _recognized(self) -> str:
        async with self._pool.connection() as connection:
            await connection.send(
                self._deadline_s, self._request.event(), Event("audio-start", self._format)
            )
            answer = asyncio.create_task(self._transcript(connection), name="wyoming: transcript")
            answer.add_done_callback(lambda _: self._wake.set())
            try:
                await self._send_audio(connection, answer)
                return await answer
            finally:
                answer.cancel()
                await asyncio.gather(answer, return_exceptions=True)

    async def _send_audio(self, connection: WyomingConnection, answer: asyncio.Task[str]) -> None:
        """Send what is fed until the end of the utterance, or until the answer is there."""
        while not answer.done():
            await self._wake.wait()
            self._wake.clear()
            ended = self._ended
            events = [Event("audio-chunk", self._format, self._taken())] if self._queue else []
            events += [Event("audio-stop")] if ended else []
            try:
                await connection.send(self._deadline_s, *events)
            except ProviderError:
                # What the server sent before the connection ended tells why.
                return
            if ended:
                return

    def _taken(self) -> bytes:
        audio = np.concatenate(self._queue).astype("<i2").tobytes()
        self._queue.clear()
        self._queued_samples = 0
        return audio

    async def _transcript(self, connection: WyomingConnection) -> str:
        """The answer, which may come before the end of the audio: some servers look for it."""
        while True:
            event = await connection.receive(
                None, "transcript-start", "transcript-chunk", "transcript"
            )
            text = str(event.data.get("text", ""))
            match event.type:
                case "transcript-start":
                    self._partial = ""
                case "transcript-chunk":
                    self._partial += text
                case _:
                    return " ".join(text.split())
