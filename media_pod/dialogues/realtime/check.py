"""`interject check` of a Realtime server: tries what a call needs of it."""

import asyncio
from contextlib import aclosing
from typing import Final

from media_pod.dialogues.agent.history import History
from media_pod.dialogues.realtime.conversation import RealtimeConversation
from media_pod.dialogues.realtime.dialect import SessionSetup
from media_pod.dialogues.realtime.response import RealtimeResponse
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.providers.chat import Usage
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.requests import ProviderRequest

INSTRUCTIONS: Final = "Say: hello, this is a test."
MAX_SPEECH_S: Final = 10
CUT_MS: Final = 100


class RealtimeCheck:
    """Tries a server once.

    Args:
        server: not started yet.
    """

    def __init__(self, server: RealtimeServer) -> None:
        self._server = server
        self._conversation = RealtimeConversation(
            server, self._setup, History(), _Unobserved(), MAX_SPEECH_S * server.rate_hz
        )

    async def start(self) -> None:
        """Load what connections need. Raises SetupError."""
        await self._server.start()

    async def check(self) -> str:
        """Set a session up without turn detection, let the model speak, and cut what it said.

        Returns:
            One line: what was found.

        Raises:
            ProviderError: it would not work in a call.
        """
        response = await self._conversation.respond(INSTRUCTIONS)
        samples = 0
        async with aclosing(response.parts()) as parts:
            async for _, speech in parts:
                samples += speech.pcm.size
        if not samples:
            raise self._server.failure(
                ProviderError(
                    f"no audio in the answer to {INSTRUCTIONS!r}, expected speech",
                    FailureKind.BAD_ANSWER,
                )
            )
        cut = await self._try_cut(response)
        session = await self._conversation.connected()
        names = "beta names" if session.beta else "GA names"
        return (
            f"{self._server.what}: {names}, turn detection off, {self._server.audio_format.name} "
            f"accepted, {samples / self._server.rate_hz:.1f} s of speech, {cut}"
        )

    async def aclose(self) -> None:
        """Close the connection."""
        await self._conversation.aclose()
        await self._server.aclose()

    async def _try_cut(self, response: RealtimeResponse) -> str:
        session = await self._conversation.connected()
        item_id, item = next(iter(response.items.items()))
        session.corrections.cut(item_id, min(CUT_MS, item.truncation_ms(item.samples)), "Hello")
        async with asyncio.timeout(self._server.deadline_s):
            await session.corrections.settled()
        if not self._server.truncates:
            return "truncation unanswered: what was heard is told as text"
        if session.corrections.rejected:
            return "truncation refused: what was heard is told as text"
        return "truncation works"

    def _setup(self) -> SessionSetup:
        settings = self._server.settings
        return SessionSetup(
            INSTRUCTIONS,
            (),
            self._server.audio_format,
            settings.voice,
            settings.transcription_model,
        )


class _Unobserved:
    """A check is no request of a call."""

    def requested(self, request: ProviderRequest) -> None: ...

    def answered(self, request: ProviderRequest) -> None: ...

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None: ...

    def failed(self, request: ProviderRequest, error: Exception) -> None: ...

    def abandoned(self, request: ProviderRequest) -> None: ...
