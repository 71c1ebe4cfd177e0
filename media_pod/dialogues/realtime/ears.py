"""The ears of a speech-to-speech model: the caller's audio goes to it while they speak."""

import asyncio
from typing import Final

from media_pod.dialogues.realtime.audio_format import CallerAudio
from media_pod.dialogues.realtime.conversation import HeardTurn, RealtimeConversation
from media_pod.dialogues.realtime.session import RealtimeSession
from media_pod.providers.ports import Pcm

MAX_UTTERANCE_S: Final = 60
"""Audio beyond it is dropped."""
TRANSCRIPT_S: Final = 1.5
"""Limit for the transcript of a turn. The answer's first sound ends the wait for it too."""


class RealtimeEars:
    """The ears of one call, as an `Stt`.

    Args:
        conversation: of the call.
    """

    def __init__(self, conversation: RealtimeConversation) -> None:
        self._conversation = conversation

    @property
    def name(self) -> str:
        """See `Provider`."""
        return self._conversation.server.name

    @property
    def model(self) -> str:
        """See `Provider`: the model that writes down what it heard."""
        return self._conversation.server.settings.transcription_model or ""

    async def start(self) -> None:
        """The dialogue opens the conversation."""

    async def check(self) -> str:
        """The server is checked as a whole: `RealtimeCheck`."""
        return ""

    async def aclose(self) -> None:
        """The dialogue closes the conversation."""

    def listen(self) -> "RealtimeUtterance":
        """The caller speaks."""
        self._conversation.begin_turn()
        return RealtimeUtterance(self._conversation)


class RealtimeUtterance:
    """One utterance, of which the audio is kept for another session.

    Args:
        conversation: of the call.
    """

    def __init__(self, conversation: RealtimeConversation) -> None:
        self._conversation = conversation
        self._audio: list[Pcm] = []
        self._room = MAX_UTTERANCE_S * conversation.server.rate_hz
        self._encoder: CallerAudio | None = None
        self._session: RealtimeSession | None = None
        """The one that has the audio so far."""
        self._over = False

    @property
    def partial(self) -> str:
        """Always "": transcripts come after the end."""
        return ""

    def feed(self, pcm: Pcm) -> None:
        """Send the next audio, up to the limit; the array is kept."""
        taken = pcm[: self._room]
        if self._over or not taken.size:
            return
        self._room -= taken.size
        self._audio.append(taken)
        session = self._conversation.session
        if session is None:
            return
        if session is not self._session:
            self._begin(session)
        elif self._encoder is not None:
            session.append(self._encoder, taken)

    async def finish(self) -> str:
        """Commit the turn, and ask for the answer if nothing stands against it.

        Returns:
            What the caller said, if the server writes it down before the answer begins; else "".

        Raises:
            ProviderError: the server did not hear it.
        """
        session = await self._conversation.connected()
        if session is not self._session:
            self._begin(session)
        if self._encoder is not None:
            session.append(self._encoder, None)
        self._over = True
        turn = HeardTurn(self._audio, session.commit())
        self._conversation.unanswered = turn
        try:
            if self._conversation.may_answer():
                turn.response = await self._conversation.respond()
            await self._transcribed(turn)
            if error := session.lost or turn.caller.error:
                raise error
        except BaseException:
            self._conversation.drop_turn(turn)
            raise
        return turn.caller.transcript or ""

    def discard(self) -> None:
        """Abandon the utterance, unless it was committed."""
        if not self._over:
            self._over = True
            if self._session is not None and self._session is self._conversation.session:
                self._session.clear()

    def _begin(self, session: RealtimeSession) -> None:
        """Give `session` all of the audio so far."""
        server = self._conversation.server
        self._session = session
        self._encoder = CallerAudio(server.audio_format, server.rate_hz)
        for pcm in self._audio:
            session.append(self._encoder, pcm)

    async def _transcribed(self, turn: HeardTurn) -> None:
        """Wait for the transcript, or for the beginning of the answer."""
        if self._conversation.server.settings.transcription_model is None:
            return
        waits = [asyncio.create_task(turn.caller.known(), name="realtime: transcript")]
        if turn.response is not None:
            begun = turn.response.begun()
            waits.append(asyncio.create_task(begun, name="realtime: answer begins"))
        try:
            await asyncio.wait(waits, timeout=TRANSCRIPT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
