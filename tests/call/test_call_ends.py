"""One call: keys, silence, goodbyes, and what is left when it is over."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from call.doubles import (
    LONG,
    SETTINGS,
    SOON,
    Conversation,
    conversation,  # noqa: F401 - a fixture
    fades_out,
    listening,
    loud,
    others,
    settle,
    speaking,
)
from call.mind import hanging_mind
from media_pod.call.call import HANG_UP_SILENCE_MS
from media_pod.call.response import MAX_ACTS
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Act, HangUp, Pause, Say, Transfer
from media_pod.duplex.contract import Decision


async def test_a_number_is_keyed_in_and_ended(conversation: Conversation) -> None:
    await speaking(conversation)
    for digit in "4711":
        conversation.call.digit(digit)
        assert fades_out(conversation.step())
        await settle()
    conversation.call.digit("#")
    await settle()

    assert conversation.mind.turns[-1].digits == "4711"
    assert conversation.mind.turns[-1].text == ""
    assert conversation.mind.cuts[0].heard.startswith("One")
    assert not conversation.counted(
        "interject_barge_in_stop_seconds_count"
    )  # there is no onset to measure from
    assert len(conversation.recognizer.utterances) == 1  # nothing was said with it


async def test_a_number_ends_by_itself(conversation: Conversation) -> None:
    await listening(conversation)
    conversation.call.digit("4")
    await conversation.tick(50)
    conversation.call.digit("2")
    await conversation.tick(SETTINGS.digits.gap_ms // 20 - 1)
    assert not conversation.mind.turns

    await conversation.tick()

    assert [turn.digits for turn in conversation.mind.turns] == ["42"]


async def test_digits_that_come_while_the_bot_thinks_belong_to_the_number(
    conversation: Conversation,
) -> None:
    conversation.mind.answers = [hanging_mind]
    await listening(conversation)
    conversation.call.digit("1")
    await conversation.be_silent(SETTINGS.digits.gap_ms)
    assert conversation.now_is(TurnState.THINKING)

    conversation.call.digit("2")
    await conversation.be_silent(SETTINGS.digits.gap_ms)
    conversation.call.digit("3")
    conversation.call.digit("#")
    await settle()

    assert [turn.digits for turn in conversation.mind.turns] == ["1", "12", "123"]


async def test_a_key_that_is_held_for_ever_fills_nothing(conversation: Conversation) -> None:
    await listening(conversation)
    for _ in range(SETTINGS.digits.most * 2):
        conversation.call.digit("5")
    conversation.call.digit("#")
    await settle()

    assert conversation.mind.turns[0].digits == "5" * SETTINGS.digits.most


async def test_a_caller_who_says_nothing_is_asked_again(conversation: Conversation) -> None:
    conversation.mind.answers = [[Say("Are you there?")], [Say("Hello?")]]
    await listening(conversation)

    first = await conversation.tick(3000 // 20 + 10)
    second = await conversation.tick(3000 // 20 + 10)

    assert (loud(first), loud(second)) == (3, 1)
    assert [(turn.text, turn.digits) for turn in conversation.mind.turns] == [("", ""), ("", "")]


async def test_a_dialogue_with_nothing_to_say_listens_on(conversation: Conversation) -> None:
    conversation.mind.answers = [[]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(2)

    assert conversation.now_is(TurnState.LISTENING)


async def test_goodbye_has_left_the_jitter_buffer_of_a_phone_before_the_hang_up(
    conversation: Conversation,
) -> None:
    conversation.mind.greeting = [Say("Good night"), HangUp("closed"), Say("never")]
    await conversation.begin()

    frames = []
    while not conversation.call.over:
        frames.append(await conversation.tick())

    assert loud(np.concatenate(frames)) == 2
    silent = frames[-(HANG_UP_SILENCE_MS // 20) :]
    assert not np.concatenate(silent).any()
    assert frames[-len(silent) - 1].any()  # not a tick later than needed
    assert conversation.call.hang_up_reason == "closed"


async def test_a_caller_who_speaks_before_the_hang_up_keeps_the_call(
    conversation: Conversation,
) -> None:
    conversation.mind.greeting = [Say("Good night"), HangUp("closed")]
    await conversation.begin()
    await conversation.tick(2 * 2 + 2)
    assert conversation.now_is(TurnState.ENDING)

    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(HANG_UP_SILENCE_MS // 20)

    assert not conversation.call.over
    assert len(conversation.mind.turns) == 1


async def test_a_dialogue_that_breaks_after_its_goodbye_does_not_cut_it(
    conversation: Conversation,
) -> None:
    async def last_words() -> AsyncIterator[Act]:
        yield Say(LONG)
        try:
            yield HangUp("closed")
        finally:
            raise RuntimeError("too late to matter")

    conversation.mind.greeting = last_words
    await conversation.begin()

    audio = await conversation.listen()

    assert loud(audio) == 10
    assert conversation.call.over


async def test_a_caller_is_transferred_once_all_was_said(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say("Good night"), Transfer("phones,200,1")]
    await conversation.begin()

    audio = await conversation.listen()

    assert loud(audio) == 2
    assert conversation.call.over
    assert conversation.call.goto == "phones,200,1"


async def test_who_speaks_over_a_transfer_stays_with_the_agent(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say(LONG), Transfer("phones,200,1")]
    await conversation.begin()
    await conversation.tick(4)

    await conversation.speak()
    await conversation.be_silent()
    await conversation.listen()

    assert not conversation.call.over
    assert conversation.call.goto == ""


async def test_an_interrupted_goodbye_keeps_the_call(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say(LONG), HangUp("closed")]
    await conversation.begin()
    await conversation.tick(4)
    assert conversation.now_is(TurnState.ENDING)

    await conversation.speak()
    assert conversation.now_is(TurnState.INTERRUPTED)
    await conversation.be_silent()
    audio = await conversation.listen()

    assert loud(audio) == 2
    assert not conversation.call.over
    assert conversation.call.hang_up_reason == ""


async def test_a_dismissed_caller_hears_why_and_the_reason_is_kept(
    conversation: Conversation,
) -> None:
    await speaking(conversation)
    conversation.call.dismiss("the pod has to go")
    audio = await conversation.listen()

    assert (loud(audio), loud(audio, 99)) == (0, 2)
    assert conversation.call.over
    assert conversation.call.hang_up_reason == "the pod has to go"
    assert not conversation.counted("interject_barge_in_stop_seconds_count")
    assert not any(entry.cut for entry in conversation.call.transcript.entries)


async def test_who_speaks_over_the_last_words_is_hung_up_on_for_the_same_reason(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    conversation.call.dismiss("the pod has to go")
    conversation.step(Decision.CALLER, 0.9)

    assert conversation.call.over
    assert fades_out(conversation.step(Decision.CALLER, 0.9))
    assert conversation.call.hang_up_reason == "the pod has to go"


async def test_pauses_are_silent_and_keep_the_turn(conversation: Conversation) -> None:
    await speaking(conversation, Say("One two"), Pause(200), Say("three"))
    await conversation.tick(1)

    assert not (await conversation.tick(10)).any()
    assert conversation.now_is(TurnState.SPEAKING)
    assert loud(await conversation.tick(3)) == 1


async def test_speech_is_made_only_so_far_ahead(conversation: Conversation) -> None:
    made = 0

    async def endless() -> AsyncIterator[Act]:
        nonlocal made
        while True:
            made += 1
            yield Say(LONG)

    conversation.mind.greeting = endless
    await conversation.begin()
    assert conversation.voice.spoken * 10 * 40 <= 4000 + 400
    assert made <= MAX_ACTS + conversation.voice.spoken + 2

    await conversation.tick(100)

    assert conversation.voice.spoken * 10 * 40 <= 2000 + 4000 + 400


@pytest.mark.parametrize("state", [state for state in TurnState if state is not TurnState.OVER])
async def test_the_caller_hangs_up_in_any_state(state: TurnState) -> None:
    conversation = Conversation(early_reply_ms=200)
    conversation.mind.early_replies = state is TurnState.PREPARING
    conversation.recognizer.texts = ["yes", None]
    conversation.voice.hanging = {"never"}
    if state is TurnState.GREETING:
        await conversation.begin()
    elif state is TurnState.ENDING:
        conversation.mind.greeting = [Say(LONG), HangUp("closed")]
        await conversation.begin()
    elif state is TurnState.LISTENING:
        await listening(conversation)
        await conversation.speak()
    else:
        await speaking(conversation, Say("One two three. never"))
        if state in (TurnState.INTERRUPTED, TurnState.PREPARING, TurnState.THINKING):
            await conversation.speak()
        if state is TurnState.PREPARING:
            await conversation.be_silent(300)
        if state is TurnState.THINKING:
            await conversation.be_silent()
        if state is TurnState.LEAVING:
            conversation.call.dismiss("the pod has to go")
    assert conversation.now_is(state)

    await conversation.end()

    assert not others()
    assert conversation.mind.streaming == conversation.voice.open == 0
    assert all(u.finished or u.discarded for u in conversation.recognizer.utterances)


async def test_a_provider_that_never_ends_does_not_hold_the_call_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    let_go = asyncio.Event()

    async def deathless() -> AsyncIterator[Act]:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        yield Say("")

    conversation = Conversation(provider_s=SOON)
    conversation.mind.greeting = deathless
    await conversation.begin()

    await conversation.end()

    assert "does not end" in caplog.text
    let_go.set()
    await conversation.until(lambda: not others())
