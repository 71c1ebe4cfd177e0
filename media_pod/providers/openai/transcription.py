"""Speech recognition behind OpenAI-compatible audio transcriptions."""

import asyncio
import io
import wave
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import soxr

from media_pod.manifest.providers import OpenAiSttSettings
from media_pod.providers.openai.client import OpenAiClient
from media_pod.providers.ports import FailureKind, Pcm, ProviderError
from media_pod.providers.utterance_audio import UtteranceAudio

MAX_UTTERANCE_S: Final = 60
"""Audio of one utterance; 1.9 MB of the 25 MB that OpenAI accepts. The rest is dropped."""
UPLOAD_RATE_HZ: Final = 16_000
"""What Whisper and its successors are trained on; a lower rate is resampled by few servers."""
CHECK_S: Final = 0.5
"""Silence that `check` sends. OpenAI rejects less than 0.1 s."""


class OpenAiStt:
    """Audio transcriptions as an `Stt`: an utterance is sent when it has ended."""

    def __init__(
        self,
        settings: OpenAiSttSettings,
        api_key: str | None,
        rate_hz: int,
        language: str,
        deadline_s: float,
        read_key: Callable[[], str | None] | None = None,
    ) -> None:
        """Check the settings; `start` loads the SDK and connects.

        Args:
            settings: model and server.
            api_key: None for a server without keys.
            rate_hz: sample rate of the input.
            language: of the caller, a tag (BCP 47), unless `settings` has one.
            deadline_s: for the text of an utterance after its end.
            read_key: see `OpenAiClient`.

        Raises:
            ProviderError: the base URL is none, or the key cannot be sent in an HTTP header.
        """
        self._settings = settings
        self.rate_hz = rate_hz
        self._language = iso_639_1(settings.language or language)
        self._deadline_s = deadline_s
        self._client = OpenAiClient(
            f"model {settings.model!r}", settings.base_url, api_key, deadline_s, read_key
        )

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
        """Transcribe silence, in which some models find words; see `Provider.check`."""
        text = await self.transcribe([np.zeros(int(CHECK_S * self.rate_hz), np.int16)])
        return f"{self._client.what}: {CHECK_S:g} s of silence became {text!r}"

    def listen(self) -> "OpenAiUtterance":
        """Start an utterance."""
        return OpenAiUtterance(self)

    async def aclose(self) -> None:
        """Close the connections; utterances that are under way fail."""
        await self._client.aclose()

    async def transcribe(self, chunks: Sequence[Pcm]) -> str:
        """The text of a whole utterance, at least 1 sample.

        Raises:
            ProviderError: the request failed, or the deadline passed.
        """
        ended = False
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._answer(await asyncio.to_thread(_wav, chunks, self.rate_hz))
            ended = True
            return _text(answer)
        except TimeoutError:
            duration_s = sum(chunk.size for chunk in chunks) / self.rate_hz
            late = f"no text for {duration_s:.1f} s of audio within {self._deadline_s:g} s"
            raise self._client.failure(ProviderError(late, FailureKind.TIMEOUT)) from None
        except Exception as error:
            ended = True
            raise self._client.failure(error) from None
        finally:
            if not ended:
                self._client.connect_ahead()

    async def _answer(self, wav: bytes) -> object:
        fields = {"model": self.model, "response_format": "json"}
        if self._language is not None:
            fields["language"] = self._language
        return await self._client.sdk.post(
            "/audio/transcriptions",
            cast_to=object,
            body=fields,
            # Servers guess the format from the extension.
            files={"file": ("utterance.wav", wav, "audio/wav")},
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )


class OpenAiUtterance:
    """One utterance; audio beyond `MAX_UTTERANCE_S` is dropped."""

    def __init__(self, stt: OpenAiStt) -> None:
        self._stt = stt
        self._audio = UtteranceAudio(MAX_UTTERANCE_S * stt.rate_hz)

    @property
    def partial(self) -> str:
        """Always "": the text comes after the end."""
        return ""

    def feed(self, pcm: Pcm) -> None:
        """Append a copy of `pcm`, up to the limit."""
        self._audio.feed(pcm)

    async def finish(self) -> str:
        """The text; "" without a request if there is no audio. See `Utterance.finish`."""
        chunks = self._audio.take().chunks
        return await self._stt.transcribe(chunks) if chunks else ""

    def discard(self) -> None:
        """Drop the audio."""
        self._audio.take()


def iso_639_1(tag: str) -> str | None:
    """The language that the API takes, of two letters; None if `tag` has none, to let it guess."""
    primary = tag.partition("-")[0].lower()
    return primary if len(primary) == 2 else None


def _wav(chunks: Sequence[Pcm], rate_hz: int) -> bytes:
    pcm = np.concatenate(chunks)
    if rate_hz != UPLOAD_RATE_HZ:
        pcm = soxr.resample(pcm, rate_hz, UPLOAD_RATE_HZ, "VHQ")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(UPLOAD_RATE_HZ)
        file.writeframes(pcm.astype("<i2").tobytes())
    return buffer.getvalue()


def _text(answer: object) -> str:
    text = answer.get("text") if isinstance(answer, Mapping) else None
    if not isinstance(text, str):
        raise ProviderError(
            f"expected a JSON object with text, found {str(answer)[:200]!r}", FailureKind.BAD_ANSWER
        )
    return text.strip()
