"""A voice of a Wyoming server, clause by clause."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from itertools import zip_longest
from typing import Final

from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

from media_pod.manifest.providers import WyomingTtsSettings
from media_pod.providers.ports import ProviderError, Speech
from media_pod.providers.tts.sentences import pieces
from media_pod.providers.tts.streamed import StreamedClause
from media_pod.providers.tts.voice_profile import VoiceProfile
from media_pod.providers.wyoming.connection import WyomingConnection
from media_pod.providers.wyoming.pool import WyomingPool
from media_pod.providers.wyoming.server_info import describe

SLICE_BYTES: Final = 1 << 14
"""Of audio that is converted at once: 0.2 ms of CPU."""
CHECK_TEXT: Final = "Hello."
_AUDIO: Final = ("audio-start", "audio-chunk", "audio-stop")


class WyomingTts:
    """A Wyoming server as a `Tts`.

    Each piece of a text is one plain `synthesize`. The protocol's streaming mode would let the
    server cut the text, which then waits for the word after a sentence. One piece is synthesized
    ahead, so that a barge-in wastes no more than that; it closes the connection.

    Args:
        settings: of the manifest.
        rate_hz: sample rate of the line.
        language: of the texts: a tag such as "en-US". It selects the voice if `settings` has none.
        deadline_s: for each event of the server.
    """

    def __init__(
        self, settings: WyomingTtsSettings, rate_hz: int, language: str, deadline_s: float
    ) -> None:
        self._voice = settings.voice
        self._language = language
        self._asked_language: str | None = None
        self._rate_hz = rate_hz
        self._deadline_s = deadline_s
        self._profile = VoiceProfile()
        self._pool = WyomingPool(settings.address, deadline_s)

    @property
    def name(self) -> str:
        """See `Provider`."""
        return "wyoming"

    @property
    def model(self) -> str:
        """See `Provider`."""
        return self._voice or ""

    async def start(self) -> None:
        """Ask the server how it writes the language, and open a connection ahead."""
        with suppress(ProviderError):
            async with self._pool.connection() as connection:
                info = await describe(connection, "tts", self._deadline_s)
                self._asked_language = info.language(self._language, self._voice)

    async def check(self) -> str:
        """See `Provider`: find the voice, and say one word."""
        async with self._pool.connection() as connection:
            info = await describe(connection, "tts", self._deadline_s)
        info.require(self._pool.peer, "voice", self._voice)
        self._asked_language = info.language(self._language, self._voice)
        samples = 0
        async with aclosing(self.speak(CHECK_TEXT)) as speech:
            async for part in speech:
                samples += part.pcm.size
        voice = f"voice {self._voice or 'of the server'}"
        return (
            f"{self._pool.peer}: {', '.join(info.programs)}, {voice}; "
            f"{CHECK_TEXT!r} became {samples / self._rate_hz:.1f} s of speech"
        )

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Synthesize `text` clause by clause; see `Tts.speak`."""
        clauses = list(pieces(text, self._language.partition("-")[0].lower()))
        if not clauses:
            return
        async with self._pool.connection() as connection:
            await self._request(connection, clauses[0])
            for clause, following in zip_longest(clauses, clauses[1:]):
                answer = _Answer(connection, clause, self._rate_hz, self._profile)
                part = await answer.next_part(self._deadline_s)
                if part is None:
                    raise connection.bad_answer(f"no sound for {clause[:60]!r}")
                if following is not None:
                    await self._request(connection, following)
                while part is not None:
                    yield part
                    part = await answer.next_part(self._deadline_s)

    async def aclose(self) -> None:
        """Close the connection that is open ahead."""
        await self._pool.aclose()

    async def _request(self, connection: WyomingConnection, text: str) -> None:
        voice = None
        if self._voice or self._asked_language:
            voice = SynthesizeVoice(name=self._voice, language=self._asked_language)
        await connection.send(self._deadline_s, Synthesize(text, voice).event())


class _Answer:
    """The audio of one clause, on its way."""

    def __init__(
        self, connection: WyomingConnection, text: str, rate_hz: int, profile: VoiceProfile
    ) -> None:
        self._connection = connection
        self._text = text
        self._rate_hz = rate_hz
        self._profile = profile
        self._source_rate_hz = 0
        self._streamed: StreamedClause | None = None
        self._unread = bytearray()
        self._stopped = False
        self._finished = False

    async def next_part(self, deadline_s: float) -> Speech | None:
        """The next part; None after the last one.

        Raises:
            ProviderError: the server failed, or its audio has another format than 16-bit mono PCM.
        """
        part = None
        while part is None and not self._finished:
            await self._collect(deadline_s)
            await asyncio.sleep(0)  # what came at once must not hold up the loop
            part = self._converted()
        return part

    async def _collect(self, deadline_s: float) -> None:
        """Take what has come, `SLICE_BYTES` or a little more; wait if that is nothing."""
        while not self._stopped and len(self._unread) < SLICE_BYTES:
            if self._unread and not self._connection.has_event:
                return
            event = await self._connection.receive(deadline_s, *_AUDIO)
            self._stopped = event.type == "audio-stop"
            if not self._stopped:
                self._check_format(event)
                self._unread += event.payload or b""

    def _check_format(self, event: Event) -> None:
        rate_hz, *sample = (event.data.get(key) for key in ("rate", "width", "channels"))
        if sample != [2, 1] or not isinstance(rate_hz, int):
            raise self._connection.bad_answer(
                f"audio of {rate_hz} Hz, width and channels {sample}; expected [2, 1]"
            )
        if self._streamed is None:
            self._source_rate_hz = rate_hz
            self._streamed = StreamedClause(self._text, rate_hz, self._rate_hz, self._profile)
        elif rate_hz != self._source_rate_hz:
            raise self._connection.bad_answer(
                f"audio of {rate_hz} Hz after {self._source_rate_hz} Hz in one clause"
            )

    def _converted(self) -> Speech | None:
        """The part that the next slice completes, or the last part."""
        data = bytes(self._unread[:SLICE_BYTES])
        del self._unread[:SLICE_BYTES]
        self._finished = not data
        if self._streamed is None:
            return None
        try:
            return self._streamed.feed(data) if data else self._streamed.finish()
        except ProviderError as error:
            raise self._connection.bad_answer(str(error)) from error
