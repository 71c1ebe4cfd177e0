"""A call with a speech-to-speech model behind it, against a server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from call.doubles import Conversation
from dialogues.agent.doubles import PHRASES, Observer, Tools
from dialogues.realtime.scripted_realtime import ScriptedRealtime
from media_pod.dialogues.agent.agent import AgentSettings, Prompts
from media_pod.dialogues.ports import Act, CallerTurn, Interruption
from media_pod.dialogues.realtime.dialogue import RealtimeDialogue
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.manifest.conversation import GreetingSettings, LimitsSettings
from media_pod.manifest.realtime import OpenAiRealtimeSettings
from media_pod.manifest.tools import ToolSettings
from media_pod.providers.ports import Speech
from media_pod.tools.ports import Tool

RATE_HZ = 8000


def server_at(
    url: str,
    *,
    rate_hz: int = RATE_HZ,
    deadline_s: float = 5.0,
    key: str | None = None,
    **more: Any,
) -> RealtimeServer:
    settings = OpenAiRealtimeSettings(kind="openai", model="gpt-x", base_url=url, **more)
    return RealtimeServer(settings, key, rate_hz, deadline_s)


def make_dialogue(
    server: RealtimeServer,
    observer: Observer,
    *,
    tools: Sequence[Tool] = (),
    settings: Sequence[ToolSettings] = (),
    greeting: str = "",
    greeting_settings: GreetingSettings | None = None,
    limits: LimitsSettings | None = None,
) -> RealtimeDialogue:
    return RealtimeDialogue(
        server,
        AgentSettings(
            greeting=greeting_settings or GreetingSettings(speaks_first="caller"),
            limits=limits or LimitsSettings(),
            phrases=PHRASES,
            language="en",
            tools=settings,
            places={"sales": "phones,601,1"},
            music=None,
            rate_hz=server.rate_hz,
            patience_s=5.0,
        ),
        [Tools(*tools)] if tools else [],
        Prompts("You are the desk.", greeting),
        observer,
    )


class AudioCall(Conversation):
    """A call whose dialogue is a speech-to-speech model; its clock is the test's."""

    def __init__(self, dialogue: RealtimeDialogue) -> None:
        super().__init__()
        self.dialogue = dialogue
        object.__setattr__(self.agents, "dialogue", lambda info, observer: dialogue)

    async def wait(self, true: Callable[[], object]) -> None:
        """Let what needs the network happen; no tick passes."""
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0.001)


@asynccontextmanager
async def audio_call(
    realtime: ScriptedRealtime,
    *,
    transcription: bool = False,
    rate_hz: int = RATE_HZ,
    deadline_s: float = 5.0,
    audio_format: str | None = None,
    **more: Any,
) -> AsyncIterator[AudioCall]:
    """A call that has begun; the caller speaks first unless `more` has a greeting."""
    model = "whisper" if transcription else None
    async with realtime.running() as url:
        server = server_at(
            url,
            rate_hz=rate_hz,
            deadline_s=deadline_s,
            transcription_model=model,
            format=audio_format,
        )
        await server.start()
        call = AudioCall(make_dialogue(server, Observer(), **more))
        try:
            await call.begin()
            await call.wait(lambda: realtime.sessions and realtime.session.setup)
            yield call
        finally:
            await call.end()


class AudioTalk:
    """A dialogue without a call: acts and interruptions by hand."""

    def __init__(self, dialogue: RealtimeDialogue, observer: Observer) -> None:
        self.dialogue = dialogue
        self.observer = observer

    async def says(self, text: str = "", digits: str = "") -> list[Act]:
        return await self.hear(self.dialogue.reply(CallerTurn(text, digits)))

    async def hear(self, acts: AsyncIterator[Act]) -> list[Act]:
        return [act async for act in acts]

    def interrupt(self, heard: str, samples: dict[str, int], *, answered: bool = True) -> None:
        self.dialogue.interrupted(Interruption(heard, "", 0, 0, answered, samples))


@asynccontextmanager
async def audio_talk(
    realtime: ScriptedRealtime,
    *,
    rate_hz: int = RATE_HZ,
    deadline_s: float = 5.0,
    audio_format: str | None = None,
    **more: Any,
) -> AsyncIterator[AudioTalk]:
    async with realtime.running() as url:
        server = server_at(url, rate_hz=rate_hz, deadline_s=deadline_s, format=audio_format)
        await server.start()
        observer = Observer()
        dialogue = make_dialogue(server, observer, **more)
        try:
            await dialogue.open()
            yield AudioTalk(dialogue, observer)
        finally:
            await dialogue.aclose()


def words(speech: Speech) -> str:
    return " ".join(word.text for word in speech.words)
