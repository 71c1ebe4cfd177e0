"""A conversation whose providers, caller and clock are all in the test's hands.

Voices speak a word in 40 ms; every sample of it has the same value, never zero. Time is virtual: a
tick passes when the test says so, and all work that can go on without more time goes on after it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from call.mind import Mind, hang
from media_pod.call.call import Call
from media_pod.call.event_bus import EventBus
from media_pod.call.events import CallRef
from media_pod.call.inputs import Agents, CallerTick, CallSettings
from media_pod.call.keypad import DigitSettings
from media_pod.call.playout import Playout
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import (
    Act,
    CallInfo,
    Say,
)
from media_pod.dialogues.turn_taking.end_of_turn import SilenceSettings
from media_pod.duplex.contract import Decision, Reason
from media_pod.providers.chain import ProviderChain
from media_pod.providers.chat import Usage
from media_pod.providers.ports import Pcm, Speech, Utterance, Word
from media_pod.providers.ports import Provider as AnyProvider
from media_pod.providers.requests import ProviderRequest, RequestKind
from media_pod.providers.tts.fixed_speech import FixedSpeech
from media_pod.telemetry.call_metrics import CallMetrics

RATE_HZ = 8000
FRAME = 160
WORD_SAMPLES = 320
INFO = CallInfo("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "100", "200")
SETTINGS = CallSettings(
    rate_hz=RATE_HZ,
    pre_roll_ms=300,
    silences=SilenceSettings(min_ms=350, normal_ms=700, max_ms=2500),
    greeting="always",
    early_reply_ms=350,
    max_utterance_ms=5000,
    no_input_ms=3000,
    digits=DigitSettings(gap_ms=3000, least=1, most=64, terminator="#"),
    provider_s=5.0,
    max_call_s=3600,
    dialogue_close_s=5.0,
)
SOON = 0.01
"""A provider's deadline, in seconds, for those that hang."""
BUS_S = 5.0
"""Deadline of the event bus, which needs milliseconds."""


def leave(playout: Playout, frames_played: int | None = None) -> Pcm:
    """The next frame, which the line takes."""
    frame = playout.take(frames_played)
    playout.sent(accepted=True)
    return frame


async def settle() -> None:
    """Let everything run that waits for nothing."""
    for _ in range(25):
        await asyncio.sleep(0)


def speech(text: str, value: int = 1000) -> Speech:
    words = text.split()
    return Speech(
        text,
        np.full(len(words) * WORD_SAMPLES, value, np.int16),
        tuple(Word(w, i * WORD_SAMPLES, (i + 1) * WORD_SAMPLES) for i, w in enumerate(words)),
    )


class Provider:
    """What all stand-ins for providers have in common."""

    name = "double"
    model = ""

    async def start(self) -> None:
        """Nothing to start."""

    async def check(self) -> str:
        return "a double"

    async def aclose(self) -> None:
        """Nothing to give back."""


class Unobserved:
    """A `RequestObserver` that looks away."""

    def requested(self, request: ProviderRequest) -> None:
        pass

    def answered(self, request: ProviderRequest) -> None:
        pass

    def finished(self, request: ProviderRequest, usage: Usage | None, text: str) -> None:
        pass

    def failed(self, request: ProviderRequest, error: Exception) -> None:
        pass

    def abandoned(self, request: ProviderRequest) -> None:
        pass


class Voice(Provider):
    """Speaks sentence by sentence; `failing` and `hanging` are texts at which it does not."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.hanging: set[str] = set()
        self.open = self.spoken = 0

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        self.open += 1
        try:
            for sentence in text.split(". "):
                if sentence in self.failing:
                    raise RuntimeError("the voice broke")
                if sentence in self.hanging:
                    await hang()
                self.spoken += 1
                yield speech(sentence)
        finally:
            self.open -= 1


@dataclass
class Listened(Utterance):
    """An utterance; `text` is what will have been said, an exception what goes wrong."""

    text: str | Exception | None
    """None hangs."""
    chunks: list[Pcm] = field(default_factory=list)
    finished: bool = False
    discarded: bool = False
    deaf: bool = False
    partial: str = ""

    def feed(self, pcm: Pcm) -> None:
        if self.deaf:
            raise RuntimeError("the recognizer broke")
        self.chunks.append(pcm)

    async def finish(self) -> str:
        if self.text is None:
            await hang()
        if isinstance(self.text, Exception):
            raise self.text
        self.finished = True
        return self.text or ""

    def discard(self) -> None:
        self.discarded = True

    @property
    def audio(self) -> Pcm:
        return np.concatenate(self.chunks)


class Recognizer(Provider):
    """Gives out `texts` in order, then "yes"."""

    def __init__(self) -> None:
        self.texts: list[str | Exception | None] = []
        self.utterances: list[Listened] = []
        self.deaf = False
        self.broken = False

    def listen(self) -> Listened:
        if self.broken:
            raise RuntimeError("no recognizer")
        text = self.texts.pop(0) if self.texts else "yes"
        self.utterances.append(Listened(text, deaf=self.deaf))
        return self.utterances[-1]


ProviderT = TypeVar("ProviderT", bound=AnyProvider)


def chain(
    kind: RequestKind, *providers: ProviderT, deadline_s: float = 5.0
) -> ProviderChain[ProviderT]:
    """A chain whose time stands still."""
    return ProviderChain(kind, providers, deadline_s, lambda: 0.0)


class Conversation:
    """A call with its providers, and the clock that ticks it."""

    def __init__(self, **settings: Any) -> None:
        self.mind, self.voice, self.recognizer = Mind(), Voice(), Recognizer()
        self.registry = CollectorRegistry()
        self.bus = EventBus(lambda: round(asyncio.get_running_loop().time() * 1e9))
        self.bus.subscribe(CallMetrics(self.registry).on_event)
        self.delay_ms = 120.0
        """Of the echo; NaN if it is not known."""
        self.delay_confidence = 0.75
        self.why: tuple[tuple[str, float], ...] = ()
        """See `Step.why`."""
        self.flushes = 0
        self.queued: int | None = None
        """How many frames the line has in a queue of its own; None if it has none."""
        self.settings = CallSettings(
            **{name: getattr(SETTINGS, name) for name in CallSettings.__slots__} | settings
        )
        self.agents = Agents(
            chain("stt", self.recognizer, deadline_s=self.settings.provider_s),
            lambda info, observer: self.mind,
            chain("tts", self.voice, deadline_s=self.settings.provider_s),
            FixedSpeech((), RATE_HZ),
            apology=(speech("Sorry again", 77),),
            goodbye=(speech("Good bye", 99),),
            limit_goodbye=(speech("Too long", 88),),
        )
        self._tick = 0

    async def begin(self) -> "Conversation":
        self.call = Call(CallRef(INFO), self.settings, self.agents, self.bus, flush=self.on_flush)
        self.call.start()
        await settle()
        return self

    def counted(self, sample: str, **labels: str) -> float:
        """What the call has counted so far."""
        assert self.bus.flush(BUS_S)
        return self.registry.get_sample_value(sample, labels) or 0.0

    def on_flush(self) -> None:
        self.flushes += 1

    def step(
        self,
        decision: Decision = Decision.NONE,
        speech: float = 0.0,
        reason: Reason = Reason.SPEECH_OVER_ECHO,
    ) -> Pcm:
        """One tick without letting anything else run: what left in it."""
        played = None if self.queued is None else max(self._tick - self.queued, 0)
        frame = self.call.frame(played)
        self.call.sent(accepted=True)
        self._tick += 1
        cleaned = np.full(FRAME, self._tick, np.int16)
        echo = (self.delay_ms, self.delay_confidence, 15.0)
        self.call.hear(CallerTick(cleaned, speech, decision, reason, *echo, self.why))
        return frame

    async def tick(
        self, ticks: int = 1, decision: Decision = Decision.NONE, speech: float = 0.0
    ) -> Pcm:
        """So many ticks: what left in them."""
        frames = []
        for _ in range(ticks):
            frames.append(self.step(decision, speech))
            await settle()
        return np.concatenate(frames)

    async def speak(self, ticks: int = 10) -> Pcm:
        """The caller speaks: three ticks of onset, then for sure."""
        before = await self.tick(3, Decision.ONSET, 0.8)
        return np.concatenate([before, await self.tick(ticks, Decision.CALLER, 0.9)])

    async def be_silent(self, ms: int = 700) -> Pcm:
        return await self.tick(ms // 20)

    async def listen(self, most_ticks: int = 500) -> Pcm:
        """Until the bot has been silent for three ticks after it spoke, or hangs up."""
        frames: list[Pcm] = []
        while len(frames) < most_ticks:
            frames.append(await self.tick())
            if self.call.state in (TurnState.ENDING, TurnState.LEAVING):
                continue
            if any(f.any() for f in frames) and not any(f.any() for f in frames[-3:]):
                break
        return np.concatenate(frames)

    async def until(self, true: Callable[[], bool]) -> None:
        """Let time pass, but no tick, until something is so."""
        async with asyncio.timeout(5):
            while not true():
                await settle()

    def now_is(self, state: TurnState) -> bool:
        return self.call.state is state

    async def end(self) -> None:
        await self.call.aclose("caller")
        self.bus.close(BUS_S)


def others() -> set[asyncio.Task[Any]]:
    """The tasks that run beside the test."""
    tasks = asyncio.all_tasks()
    current = asyncio.current_task()
    return {task for task in tasks if task is not current}


def fades_out(frame: Pcm) -> bool:
    """The frame after a stop: half of it is silence."""
    return not frame[FRAME // 2 :].any()


def loud(audio: Pcm, value: int = 1000) -> int:
    """How many whole words of this voice were played."""
    return int((audio == value).sum()) // WORD_SAMPLES


LONG = "One two three four five six seven eight nine ten"


@pytest.fixture
async def conversation() -> AsyncIterator[Conversation]:
    talk = Conversation()
    yield talk
    await talk.end()
    assert not others()
    assert talk.mind.streaming == talk.voice.open == 0


async def listening(conversation: Conversation) -> Conversation:
    """Past the greeting."""
    await conversation.begin()
    await conversation.listen()
    assert conversation.now_is(TurnState.LISTENING)
    return conversation


async def speaking(conversation: Conversation, *acts: Act) -> Conversation:
    """In the middle of an answer: its first word has left, and half of the second."""
    conversation.mind.answers.insert(0, list(acts) or [Say(LONG)])
    await listening(conversation)
    await conversation.speak()
    while not (await conversation.tick()).any():
        pass
    await conversation.tick(2)
    assert conversation.now_is(TurnState.SPEAKING)
    return conversation
