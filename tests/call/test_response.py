"""One turn of the bot: acts become speech in order, ahead by so much and no further."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Concatenate, ParamSpec

import numpy as np
import pytest

from call.doubles import FRAME, RATE_HZ, SOON, Recognizer, Voice, chain, leave, others, settle
from call.mind import Mind, hang
from media_pod.call.events import (
    ConversationEvent,
    ProviderEvent,
    ProviderFailed,
    ProviderFinished,
)
from media_pod.call.playout import ROOM_MS, Playout
from media_pod.call.response import MAX_ACTS, Responder
from media_pod.dialogues.ports import Act, CallerTurn, HangUp, Pause, Play, Say, Transfer
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.recognition import Recognition
from media_pod.providers.requests import ProviderRequest
from media_pod.providers.tts.fixed_speech import FixedSpeech

P = ParamSpec("P")


def heard(text: str | Exception | None, deadline_s: float = SOON) -> Recognition:
    """An utterance of which `text` will be recognized."""
    ears = Recognizer()
    ears.texts = [text]
    return Recognition(chain("stt", ears, deadline_s=deadline_s), RATE_HZ)


class Bot:
    """A `Responder` and all that it talks to."""

    def __init__(self, deadline_s: float = 5.0, fixed: Sequence[str] = ()) -> None:
        self.mind, self.voice = Mind(), Voice()
        self.playout = Playout(RATE_HZ, FRAME)
        self.reported: list[str | HangUp | Transfer] = []
        self.events: list[ConversationEvent] = []
        self.turn = Responder(
            self.mind,
            chain("tts", self.voice, deadline_s=deadline_s),
            FixedSpeech(fixed, RATE_HZ),
            self.playout,
            self._publish,
            deadline_s,
            on_speech=lambda: self.reported.append("speech"),
            on_leave=self.reported.append,
            on_expect=lambda digits: self.reported.append(f"expect {digits}"),
            uuid="6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        )

    def _publish(
        self,
        make: Callable[Concatenate[int, int, P], ConversationEvent],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        self.events.append(make(0, 0, *args, **kwargs))


async def test_acts_are_played_in_order_and_a_recording_is_one_word() -> None:
    bot = Bot()
    pcm = np.full(FRAME, 5, np.int16)
    bot.mind.greeting = [Say("One"), Pause(20), Play("a jingle", pcm), HangUp("done")]

    await bot.turn.greet()

    frames = [int(leave(bot.playout)[0]) for _ in range(4)]
    assert frames == [1000, 1000, 0, 5]
    assert bot.playout.said().heard == "One a jingle"
    assert bot.reported == ["speech", "speech", HangUp("done")]


async def test_what_comes_after_the_goodbye_is_not_waited_for() -> None:
    bot = Bot()

    async def chatty() -> AsyncIterator[Act]:
        yield HangUp("done")
        await hang()

    bot.mind.greeting = chatty
    await bot.turn.greet()

    assert bot.reported == [HangUp("done")]
    assert bot.mind.streaming == 0


async def test_a_transfer_ends_the_bot_s_part_like_a_goodbye() -> None:
    bot = Bot()
    bot.mind.greeting = [Say("One"), Transfer("phones,200,1"), Say("never")]

    await bot.turn.greet()

    assert bot.reported == ["speech", Transfer("phones,200,1")]


async def test_the_caller_s_turn_reaches_the_dialogue() -> None:
    bot = Bot()
    await bot.turn.answer(CallerTurn("five", "42"))

    assert bot.mind.turns == [CallerTurn("five", "42")]
    assert bot.turn.dialogue_asked


async def test_a_full_playout_holds_the_dialogue_back_until_frames_have_left() -> None:
    bot = Bot()
    bot.mind.greeting = [Pause(ROOM_MS), HangUp("done")]
    work = asyncio.create_task(bot.turn.greet())
    await settle()
    assert not work.done()
    bot.turn.played()
    await settle()
    assert not bot.reported

    leave(bot.playout)
    bot.turn.played()
    await work

    assert bot.reported == [HangUp("done")]


async def test_words_that_have_no_speech_yet_are_unheard() -> None:
    bot = Bot()
    bot.voice.hanging = {"two three"}
    bot.mind.greeting = [Say("One. two three")]
    work = asyncio.create_task(bot.turn.greet())
    await settle()
    for _ in range(2):
        leave(bot.playout)

    said = bot.playout.said()

    assert (said.heard, said.unheard) == ("One", "two three")
    work.cancel()
    await asyncio.wait([work])
    assert bot.voice.open == bot.mind.streaming == 0
    assert not others()


@pytest.mark.parametrize(
    ("hanging", "who"),
    [("voice", "double: nothing"), ("mind", "the dialogue: nothing"), ("ears", "double: no text")],
)
async def test_whoever_hangs_is_named(hanging: str, who: str) -> None:
    bot = Bot(SOON)

    async def silent() -> AsyncIterator[Act]:
        await hang()
        yield Say("")

    bot.voice.hanging = {"never"}
    bot.mind.greeting = silent if hanging == "mind" else [Say("never")]
    with pytest.raises(ProviderError, match=f"^{who} (for|within) 0.01 s$"):
        await (bot.turn.recognize(heard(None)) if hanging == "ears" else bot.turn.greet())

    assert bot.voice.open == bot.mind.streaming == 0


async def test_a_recognizer_s_own_timeout_is_its_own() -> None:
    with pytest.raises(ProviderError, match="TimeoutError: upstream"):
        await Bot().turn.recognize(heard(TimeoutError("upstream"), 5.0))


async def test_a_provider_that_swallows_its_cancellation_says_nothing_more() -> None:
    bot = Bot()

    async def stubborn() -> AsyncIterator[Act]:
        try:
            await hang()
        except asyncio.CancelledError:
            yield Say("One")

    bot.mind.greeting = stubborn
    work = asyncio.create_task(bot.turn.greet())
    await settle()

    work.cancel()
    await asyncio.wait([work])

    assert work.cancelled()
    assert bot.playout.empty
    assert not bot.reported


async def test_every_request_to_a_provider_ends_once_whatever_becomes_of_it() -> None:
    bot = Bot(SOON)
    bot.voice.failing, bot.voice.hanging = {"broken"}, {"never"}
    await bot.turn.recognize(heard("yes"))
    with pytest.raises(ProviderError):
        await bot.turn.recognize(heard(RuntimeError("deaf")))
    for text in ("One", "broken", "never"):
        bot.mind.answers = [[Say(text)]]
        with suppress(ProviderError):
            await bot.turn.answer(CallerTurn("hello"))

    async def slow() -> AsyncIterator[Act]:
        yield Pause(20)
        await hang()

    bot.mind.answers = [slow]
    work = asyncio.create_task(bot.turn.answer(CallerTurn("hello")))
    await settle()
    work.cancel()
    await asyncio.wait([work])

    requests: dict[ProviderRequest, list[str]] = {}
    for event in bot.events:
        assert isinstance(event, ProviderEvent)
        requests.setdefault(event.request, []).append(type(event).__name__)
    assert [(request.kind, *events) for request, events in requests.items()] == [
        ("stt", "ProviderRequested", "ProviderAnswered", "ProviderFinished"),
        ("stt", "ProviderRequested", "ProviderFailed"),
        ("llm", "ProviderRequested", "ProviderAnswered", "ProviderFinished"),
        ("tts", "ProviderRequested", "ProviderAnswered", "ProviderFinished"),
        ("llm", "ProviderRequested", "ProviderAnswered", "ProviderFinished"),
        ("tts", "ProviderRequested", "ProviderFailed"),
        ("llm", "ProviderRequested", "ProviderAnswered", "ProviderFinished"),
        ("tts", "ProviderRequested", "ProviderFailed"),
        ("llm", "ProviderRequested", "ProviderAnswered", "ProviderCancelled"),
    ]


async def endless(read: list[int]) -> AsyncIterator[Act]:
    while True:
        read.append(len(read))
        yield Say(f"number {len(read)}")


async def test_the_dialogue_is_read_ahead_of_the_voice_so_far_and_no_further() -> None:
    bot = Bot()
    read: list[int] = []
    bot.voice.hanging = {"number 1"}
    bot.mind.greeting = lambda: endless(read)
    work = asyncio.create_task(bot.turn.greet())
    await settle()
    for _ in range(MAX_ACTS):
        await settle()

    # One is spoken, one waits for a place in the queue.
    assert len(read) == MAX_ACTS + 2
    assert bot.playout.said().unheard.startswith("number 1 number 2 number 3")

    work.cancel()
    await asyncio.wait([work])
    assert bot.mind.streaming == bot.voice.open == 0
    assert not others()


async def test_the_dialogues_stage_ends_with_its_acts_and_not_with_the_voice() -> None:
    bot = Bot()
    bot.voice.hanging = {"two"}
    bot.mind.greeting = [Say("One"), Say("two"), Say("three")]
    work = asyncio.create_task(bot.turn.greet())
    await settle()

    ends = [event for event in bot.events if isinstance(event, ProviderFinished)]
    assert [event.request.kind for event in ends] == ["llm", "tts"]
    assert bot.mind.streaming == 0
    assert bot.voice.open == 1
    work.cancel()
    await asyncio.wait([work])


async def test_what_was_said_before_the_dialogue_failed_is_spoken() -> None:
    bot = Bot()

    async def breaks() -> AsyncIterator[Act]:
        yield Say("One")
        raise ProviderError("mind: gone", FailureKind.CUT)

    bot.mind.greeting = breaks
    with pytest.raises(ProviderError, match="mind: gone"):
        await bot.turn.greet()

    assert bot.voice.spoken == 1
    failed = [event for event in bot.events if isinstance(event, ProviderFailed)]
    assert [(event.request.kind, event.error_type) for event in failed] == [("llm", "cut")]


async def test_a_bug_of_a_provider_is_reported_by_its_class() -> None:
    bot = Bot()
    bot.voice.failing = {"never"}
    bot.mind.greeting = [Say("never")]
    with pytest.raises(ProviderError):
        await bot.turn.greet()
    failed = [event for event in bot.events if isinstance(event, ProviderFailed)]
    assert [event.error_type for event in failed] == ["RuntimeError"]


async def test_a_recording_takes_no_words_of_a_sentence_after_it() -> None:
    bot = Bot()
    bot.voice.hanging = {"two three"}
    bot.mind.greeting = [Play("a jingle", np.full(FRAME, 5, np.int16)), Say("two three")]
    work = asyncio.create_task(bot.turn.greet())
    await settle()
    assert bot.playout.said().unheard == "a jingle two three"

    leave(bot.playout)

    assert (bot.playout.said().heard, bot.playout.said().unheard) == ("a jingle", "two three")
    work.cancel()
    await asyncio.wait([work])


async def test_what_was_announced_is_unheard_once() -> None:
    bot = Bot()
    bot.mind.greeting = [Play("a jingle", np.full(FRAME, 5, np.int16)), Say("two three")]
    await bot.turn.greet()
    leave(bot.playout)
    assert (bot.playout.said().heard, bot.playout.said().unheard) == ("a jingle", "two three")


async def test_an_interruption_before_the_dialogue_began_to_work_does_not_concern_it() -> None:
    bot = Bot()
    work = asyncio.create_task(bot.turn.answer(CallerTurn("five")))
    await asyncio.sleep(0)
    assert bot.mind.most_open == 0
    assert not bot.turn.dialogue_asked
    await work
    assert bot.turn.dialogue_asked


async def test_a_fixed_sentence_is_synthesized_once() -> None:
    bot = Bot(fixed=["One. two"])
    for _ in range(3):
        bot.mind.answers = [[Say("One. two"), Say("three")]]
        await bot.turn.answer(CallerTurn("hello"))
    assert bot.voice.spoken == 2 + 3
    assert sum(int(leave(bot.playout)[0] != 0) for _ in range(20)) == 3 * 3 * 2


async def test_a_fixed_sentence_that_was_cut_is_not_kept_half() -> None:
    bot = Bot(fixed=["One. two"])
    bot.voice.hanging = {"two"}
    bot.mind.greeting = [Say("One. two")]
    work = asyncio.create_task(bot.turn.greet())
    await settle()
    work.cancel()
    await asyncio.wait([work])
    assert bot.voice.spoken == 1

    bot.voice.hanging = set()
    bot.playout.begin()
    bot.mind.answers = [[Say("One. two")]]
    await bot.turn.answer(CallerTurn("hello"))
    for _ in range(4):
        leave(bot.playout)
    assert bot.playout.said().heard == "One two"
