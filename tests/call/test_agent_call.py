"""A language model's agent in a call: what fails costs a sentence, and never leaves a dead line."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from call.doubles import RATE_HZ, SOON, Conversation, chain, loud, others, settle
from call.mind import hang
from dialogues.agent.doubles import DONE, PHRASES, Booking, Model, Reply, Tools, calls, says
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.agent.agent import AgentSettings, LanguageAgent, Prompts
from media_pod.dialogues.ports import CallInfo
from media_pod.manifest.conversation import GreetingSettings, LimitsSettings
from media_pod.providers.chat import (
    AssistantMessage,
    Finished,
    FinishReason,
    Llm,
    TextDelta,
    Usage,
    UserMessage,
)
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.requests import RequestObserver
from media_pod.tools.ports import Tool

APOLOGY, GOODBYE, ANSWER = 77, 99, 1000


class AgentCall(Conversation):
    """A conversation whose dialogue is an agent with this model."""

    def __init__(
        self,
        *replies: Reply,
        early_reply_ms: int = 0,
        tools: Sequence[Tool] = (),
        deadline_s: float = SOON,
    ) -> None:
        super().__init__(provider_s=deadline_s, early_reply_ms=early_reply_ms)
        self.models = [Model(*replies)]
        self.spare: Model | None = None
        self._tools = tools
        self._deadline_s = deadline_s
        self.agents = replace(self.agents, dialogue=self.make)

    def make(self, info: CallInfo, observer: RequestObserver) -> LanguageAgent:
        models = [*self.models, *([self.spare] if self.spare else [])]
        settings = AgentSettings(
            greeting=GreetingSettings(),
            limits=LimitsSettings(),
            phrases=PHRASES,
            language="en",
            tools=(),
            places={},
            music=None,
            rate_hz=RATE_HZ,
            patience_s=10 * self._deadline_s,
        )
        members: list[Llm] = [*models]
        llm = chain("llm", *members, deadline_s=self._deadline_s)
        sources = [Tools(*self._tools)] if self._tools else []
        self.agent = LanguageAgent(llm, settings, sources, Prompts("Be.", "Hello"), observer)
        return self.agent


async def heard_values(call: AgentCall) -> set[int]:
    """What is audible until the call listens again or is over: values of samples."""
    heard: set[int] = set()
    for _ in range(2000):
        heard |= {int(value) for value in set((await call.tick()).tolist()) if value}
        if call.call.over or (heard and call.now_is(TurnState.LISTENING)):
            return heard
    raise AssertionError("a dead line")


async def asked(call: AgentCall) -> None:
    """Past the greeting, and the caller has asked something."""
    await call.begin()
    await call.listen()
    await call.speak()
    await call.be_silent()


BROKEN: dict[str, Reply] = {
    **{kind.value: [ProviderError("no", kind)] for kind in FailureKind},
    "rate limit, long": [ProviderError("no", FailureKind.RATE_LIMITED, 60.0)],
    "a bug": [RuntimeError("bug")],
    "hangs at first": [hang],
    "hangs in the middle": [TextDelta("Certainly, we do. And"), hang],
    "cut in the middle": [TextDelta("Well"), ProviderError("cut", FailureKind.CUT)],
    "ends without words": [DONE],
    "an emoji": [TextDelta("\N{GRINNING FACE}"), DONE],
    "a filter": [Finished(FinishReason.CONTENT_FILTER, Usage(1, 1))],
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_model_that_fails_is_heard_and_the_call_goes_on(fault: str) -> None:
    call = AgentCall(BROKEN[fault], BROKEN[fault], says("All is well."))
    first = BROKEN[fault][0]
    if not isinstance(first, ProviderError) or first.retry_wait_s is None:
        del call.models[0].replies[1]
    await asked(call)

    assert await heard_values(call) & {APOLOGY, ANSWER}
    assert call.now_is(TurnState.LISTENING)

    await call.speak()
    await call.be_silent()
    assert ANSWER in await heard_values(call)
    await call.end()
    assert not others()
    assert not call.models[0].open


@pytest.mark.parametrize("fault", [kind.value for kind in FailureKind])
async def test_a_second_model_answers_in_place_of_the_first(fault: str) -> None:
    call = AgentCall(BROKEN[fault], BROKEN[fault])
    call.spare = Model(says("All is well."))
    await asked(call)
    assert await heard_values(call) == {ANSWER}
    await call.end()
    assert not others()


async def test_a_voice_that_fails_twice_ends_the_call_with_a_goodbye() -> None:
    call = AgentCall(says("Bad."), says("Bad."))
    call.voice.failing.add("Bad.")
    await asked(call)
    assert await heard_values(call) == {APOLOGY}
    await call.speak()
    await call.be_silent()
    assert await heard_values(call) == {GOODBYE}
    assert call.call.over
    await call.end()


async def test_a_barge_in_closes_the_stream_and_the_history_has_what_was_heard() -> None:
    words = "One two three four five six seven eight"
    call = AgentCall([TextDelta(f"{words}. And"), hang], says("Yes."), deadline_s=5.0)
    call.recognizer.texts = ["count", "that is enough"]
    await asked(call)
    while not (await call.tick()).any():
        pass
    await call.tick(5)
    assert call.models[0].open == 1

    await call.speak(3)
    await settle()

    assert call.models[0].open == 0
    await call.be_silent()
    await call.listen()
    answers = [m.text for m in call.models[0].shown[-1] if isinstance(m, AssistantMessage)]
    assert answers[0] == "Hello"
    assert words.startswith(answers[1])
    assert 2 <= len(answers[1].split()) <= 5
    await call.end()


async def test_a_hang_up_stops_the_model_at_once_and_lets_a_booking_end() -> None:
    booking = Booking()
    booking.finish.clear()
    call = AgentCall(calls("book"), tools=[booking], deadline_s=5.0)
    await asked(call)
    await call.until(lambda: bool(booking.arguments))

    ending = asyncio.create_task(call.end())
    await settle()
    assert not ending.done()
    booking.finish.set()
    await ending

    assert not booking.cancelled
    assert not others()


async def test_a_slow_tool_is_covered_by_its_filler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media_pod.dialogues.agent.tool_runs.FILLER_AFTER_S", SOON)
    booking = Booking()
    booking.finish.clear()
    call = AgentCall(calls("book"), says("Booked."), tools=[booking], deadline_s=5.0)
    await asked(call)
    audio = await call.listen()
    assert loud(audio) == 2  # "One moment."

    booking.finish.set()
    assert loud(await call.listen()) == 1
    await call.end()


async def paused(call: AgentCall) -> None:
    """Past the greeting; the caller has spoken, and pauses so long that an answer is prepared."""
    await call.begin()
    await call.listen()
    await call.speak()
    await call.be_silent(200)
    assert call.models[0].shown


async def test_an_answer_that_was_prepared_in_the_pause_is_heard_at_its_end() -> None:
    call = AgentCall(says("All is well."), early_reply_ms=200)
    await paused(call)
    assert call.now_is(TurnState.PREPARING)
    assert not (await call.tick(24)).any()

    assert (await call.tick(2))[-160:].any()
    assert call.now_is(TurnState.SPEAKING)
    assert len(call.models[0].shown) == 1
    await call.end()


async def test_a_caller_who_goes_on_throws_the_prepared_answer_away() -> None:
    call = AgentCall(says("About what?"), says("At five."), early_reply_ms=200)
    call.recognizer.texts = ["i want", "i want to book for five"]
    await paused(call)
    await call.tick(5)

    audio = [await call.speak(), await call.be_silent()]

    assert not any(part.any() for part in audio)
    assert await heard_values(call) == {ANSWER}
    said = call.models[0].shown[-1][-1]
    assert isinstance(said, UserMessage) and said.text == "i want to book for five"
    texts = [(entry.speaker, entry.heard) for entry in call.call.transcript.entries]
    assert texts[1:] == [("caller", "i want to book for five"), ("bot", "At five.")]
    await call.end()


async def test_no_tool_is_called_before_the_turn_is_over() -> None:
    booking = Booking()
    call = AgentCall(calls("book"), says("Booked."), tools=[booking], early_reply_ms=200)
    await paused(call)
    await call.tick(20)
    assert call.models[0].shown and not booking.arguments

    await heard_values(call)

    assert len(booking.arguments) == 1
    await call.end()


async def test_a_prepared_answer_that_fails_is_asked_for_again_when_the_turn_is_over() -> None:
    error = ProviderError("no", FailureKind.BAD_ANSWER)
    call = AgentCall([error], says("All is well."), early_reply_ms=200)
    await paused(call)
    assert await heard_values(call) == {ANSWER}
    await call.end()
