"""A voice behind OpenAI-compatible audio speech."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from media_pod.manifest.providers import OpenAiTtsSettings
from media_pod.providers.openai.client import OpenAiClient, reading
from media_pod.providers.ports import FailureKind, ProviderError, Speech
from media_pod.providers.tts.sentences import pieces
from media_pod.providers.tts.streamed import StreamedClause
from media_pod.providers.tts.voice_profile import VoiceProfile

if TYPE_CHECKING:
    from httpx2 import Response

SLICE_BYTES: Final = 1 << 15
"""Of what the network delivers at once, that is resampled without a pause: 0.3 ms of CPU."""
CHECK_TEXT: Final = "Hello."

_SHOWN: Final = 60
_SHOWN_BODY: Final = 200
_NO_AUDIO: Final = ("application/json", "text/")
"""Beginnings of the types of error messages that come with HTTP 200."""
_COMPRESSED: Final = ("audio/aac", "audio/flac", "audio/mp", "audio/ogg", "audio/opus")
"""Servers that know one format only send it, whatever was asked for."""


class OpenAiTts:
    """Audio speech as a `Tts`: one streamed request for each clause, one after the other."""

    def __init__(
        self,
        settings: OpenAiTtsSettings,
        api_key: str | None,
        rate_hz: int,
        language: str,
        deadline_s: float,
        read_key: Callable[[], str | None] | None = None,
    ) -> None:
        """Check the settings; `start` loads the SDK and connects.

        Args:
            settings: model, voice and server.
            api_key: None for a server without keys.
            rate_hz: sample rate of the speech.
            language: of the texts, a tag (BCP 47): where their sentences end.
            deadline_s: longest wait for the first and for each further piece of audio.
            read_key: see `OpenAiClient`.

        Raises:
            ProviderError: the base URL is none, or the key cannot be sent in an HTTP header.
        """
        self._settings = settings
        self._rate_hz = rate_hz
        self._language = language.partition("-")[0].lower()
        self._profile = VoiceProfile()
        subject = f"model {settings.model!r}, voice {settings.voice!r}"
        self._client = OpenAiClient(subject, settings.base_url, api_key, deadline_s, read_key)

    @property
    def name(self) -> str:
        """The provider's kind."""
        return "openai"

    @property
    def model(self) -> str:
        """The model's name at the server."""
        return self._settings.model

    async def start(self) -> None:
        """See `Provider.start`."""
        await self._client.start()

    async def check(self) -> str:
        """Say one word; see `Provider.check`."""
        samples = 0
        async with aclosing(self.speak(CHECK_TEXT)) as speech:
            async for part in speech:
                samples += part.pcm.size
        duration_s = samples / self._rate_hz
        return f"{self._client.what}: {CHECK_TEXT!r} became {duration_s:.1f} s of speech"

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Synthesize `text` clause by clause; see `Tts.speak`."""
        for clause in pieces(text, self._language):
            async with aclosing(self._spoken(clause)) as parts:
                async for part in parts:
                    yield part

    async def aclose(self) -> None:
        """Close the connections; texts that are under way fail."""
        await self._client.aclose()

    async def _spoken(self, clause: str) -> AsyncGenerator[Speech, None]:
        response: Response | None = None
        ended = False
        try:
            response = await self._client.stream(
                "/audio/speech", self._body(clause), "application/octet-stream"
            )
            async with reading(response, response.aiter_bytes()) as data:
                await _check_type(response)
                async with aclosing(self._converted(clause, data)) as parts:
                    async for part in parts:
                        yield part
            ended = True
        except Exception as error:
            ended = True
            raise self._client.failure(error, begun=response is not None) from None
        finally:
            if not ended:
                self._client.connect_ahead()

    async def _converted(
        self, clause: str, data: AsyncIterator[bytes]
    ) -> AsyncGenerator[Speech, None]:
        streamed = StreamedClause(
            clause, self._settings.source_rate_hz, self._rate_hz, self._profile
        )
        async for piece in data:
            for start in range(0, len(piece), SLICE_BYTES):
                if part := streamed.feed(piece[start : start + SLICE_BYTES]):
                    yield part
                # Pieces that have come already would be read without a pause.
                await asyncio.sleep(0)
        last = streamed.finish()
        if last is None:
            raise ProviderError(
                f"no sound for the text {clause[:_SHOWN]!r}, expected speech",
                FailureKind.BAD_ANSWER,
            )
        yield last

    def _body(self, clause: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "voice": self._settings.voice,
            "input": clause,
            "response_format": "pcm",
        }
        # Some servers know no speed.
        return body if self._settings.speed == 1 else body | {"speed": self._settings.speed}


async def _check_type(response: "Response") -> None:
    """Raise if the answer cannot be PCM; servers have many names for what can."""
    found = response.headers.get("content-type", "").strip().lower()
    if found.startswith(_NO_AUDIO):
        body = (await response.aread())[:_SHOWN_BODY].decode(errors="replace")
        raise ProviderError(
            f"an answer of the type {found!r}, expected PCM: {body}", FailureKind.BAD_ANSWER
        )
    if found.startswith(_COMPRESSED):
        raise ProviderError(
            f"audio of the type {found!r}, expected PCM as the request says", FailureKind.BAD_ANSWER
        )
