"""Conversations with a language model's agent, in text."""

import json
from contextlib import aclosing

import pytest

from call.mind import hang
from dialogues.agent.doubles import DONE, PHRASES, USAGE, Booking, Reply, Talk, calls, says, spoken
from media_pod.dialogues.agent.agent import FIRST_WORDS, TELEPHONE_RULES
from media_pod.dialogues.agent.history import INTERRUPTED
from media_pod.dialogues.ports import CallerTurn, HangUp, Say
from media_pod.manifest.conversation import LimitsSettings
from media_pod.providers.chat import (
    AssistantMessage,
    Finished,
    FinishReason,
    SystemMessage,
    TextDelta,
    UserMessage,
)
from media_pod.providers.ports import FailureKind, ProviderError


async def test_the_model_sees_its_instructions_the_greeting_and_the_caller() -> None:
    talk = await Talk(says("We open at nine.")).greeted()
    assert spoken(talk.said) == "Hello, this is the desk."

    assert spoken(await talk.says("when do you open")) == "We open at nine."

    assert talk.model.shown[0] == [
        SystemMessage(f"You are the desk.\n\n{TELEPHONE_RULES}"),
        AssistantMessage("Hello, this is the desk."),
        UserMessage("when do you open"),
    ]


async def test_without_a_text_the_model_makes_the_greeting() -> None:
    talk = await Talk(says("Good day."), greeting="").greeted()
    assert spoken(talk.said) == "Good day."
    assert talk.shown == [UserMessage(FIRST_WORDS)]


async def test_clauses_are_spoken_while_the_model_still_writes() -> None:
    talk = await Talk([TextDelta("Certainly, we do. Let me"), hang]).greeted()
    async with aclosing(talk.agent.reply(CallerTurn("hi"))) as acts:
        assert await anext(acts) == Say("Certainly, we do.")
        assert talk.model.open == 1
    assert talk.model.open == 0
    assert talk.observer.ended[-1] == ("llm", "abandoned")


async def test_markup_and_emoji_are_not_spoken_and_not_in_the_history() -> None:
    talk = await Talk(says("**Yes**, we do \N{GRINNING FACE}."), says("Bye.")).greeted()
    assert spoken(await talk.says("really")) == "Yes, we do."
    await talk.says("bye")
    assert talk.shown[2] == AssistantMessage("Yes, we do.")


async def test_the_history_ends_at_the_last_heard_word() -> None:
    talk = await Talk(says("One two three. Four five six."), says("Yes.")).greeted()
    await talk.says("count")
    talk.interrupt("One two three. Four")

    await talk.says("stop")

    assert talk.shown[1:] == [
        UserMessage("count"),
        AssistantMessage("One two three. Four"),
        UserMessage(f"{INTERRUPTED}\nstop"),
    ]


async def test_a_caller_who_goes_on_before_the_answer_is_one_turn() -> None:
    talk = await Talk(says("Sure."), says("Sure, at five.")).greeted()
    await talk.says("book a table")
    talk.interrupt("", answered=False)

    await talk.says("book a table for two")

    assert talk.shown[1:] == [UserMessage("book a table for two")]


async def test_two_turns_in_a_row_of_which_no_answer_was_heard_are_one_message() -> None:
    talk = await Talk(says("Sure."), says("Yes.")).greeted()
    await talk.says("hello")
    talk.interrupt("")
    await talk.says("are you there")
    assert talk.shown[1:] == [UserMessage("hello\nare you there")]


async def test_silence_is_asked_about_twice_and_then_ends_the_call() -> None:
    talk = await Talk(says("Yes.")).greeted()
    assert spoken(await talk.says()) == PHRASES.still_there
    assert spoken(await talk.says()) == PHRASES.still_there
    assert await talk.says() == [
        Say(PHRASES.silence_goodbye),
        HangUp("the caller is silent"),
    ]
    assert not talk.model.shown


async def test_a_caller_who_speaks_again_is_asked_again() -> None:
    talk = await Talk(says("Yes."), limits=LimitsSettings(silence_prompts=1)).greeted()
    await talk.says()
    await talk.says("hello")
    assert spoken(await talk.says()) == PHRASES.still_there


async def test_a_stop_that_was_nothing_resumes_once_from_the_first_unheard_word() -> None:
    talk = await Talk(says("One two three. Four five six."), says("Yes.")).greeted()
    await talk.says("count")
    talk.interrupt("One two")
    assert spoken(await talk.says()) == "three. Four five six."
    talk.interrupt("three.")
    assert spoken(await talk.says()) == PHRASES.still_there

    await talk.says("go on")

    assert talk.shown[2] == AssistantMessage("One two three.")


async def test_false_stops_resume_as_often_as_they_happen_and_are_no_silence() -> None:
    talk = await Talk(says("One two three. Four five six."), says("Yes.")).greeted()
    await talk.says("count")
    for heard, rest in (("One two", "three. Four five six."), ("three.", "Four five six.")):
        talk.interrupt(heard)
        stopped = CallerTurn("", false_stop=True)
        assert spoken(await talk.hear(talk.agent.reply(stopped))) == rest

    await talk.says("go on")

    assert talk.shown[2] == AssistantMessage("One two three. Four five six.")


async def test_a_caller_who_speaks_as_the_bot_asks_whether_they_are_there_begins_a_turn() -> None:
    """The silent turn was not answered, and has no words that could come again."""
    talk = await Talk(says("Yes."), says("No."), limits=LimitsSettings(turns=2)).greeted()
    await talk.says("one")
    await talk.says()
    talk.interrupt("", answered=False)

    await talk.says("two")

    assert talk.shown[-1] == UserMessage("two")
    assert await talk.says("three") == [
        Say(PHRASES.limit_goodbye),
        HangUp("the limit of 2 turns"),
    ]


async def test_a_resumed_turn_that_is_not_heard_stays_interrupted() -> None:
    talk = await Talk(says("One two three."), says("Yes.")).greeted()
    await talk.says("count")
    talk.interrupt("One two")
    await talk.says()
    talk.interrupt("", answered=False)

    await talk.says("stop")

    assert talk.shown[-2:] == [
        AssistantMessage("One two"),
        UserMessage(f"{INTERRUPTED}\nstop"),
    ]


async def test_a_backchannel_over_the_bot_is_no_turn() -> None:
    talk = await Talk(says("One two three. Four five six."), says("Right.")).greeted()
    await talk.says("count")
    talk.interrupt("One two")
    assert spoken(await talk.says("mhm")) == "three. Four five six."
    assert spoken(await talk.says("okay")) == "Right."


async def test_an_answer_to_a_question_is_a_turn() -> None:
    talk = await Talk(says("Shall I go on? Or not?"), says("Good.")).greeted()
    await talk.says("count")
    talk.interrupt("Shall I go on?")
    assert spoken(await talk.says("okay")) == "Good."


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (LimitsSettings(turns=1), "the limit of 1 turns"),
        (LimitsSettings(tokens=1000), "the limit of 1000 tokens"),
    ],
)
async def test_a_limit_ends_the_call_politely(limits: LimitsSettings, reason: str) -> None:
    costly = Finished(FinishReason.STOP, USAGE if limits.turns == 1 else type(USAGE)(990, 20))
    talk = await Talk([TextDelta("Yes."), costly], limits=limits).greeted()
    await talk.says("one")
    assert await talk.says("two") == [Say(PHRASES.limit_goodbye), HangUp(reason)]


async def test_a_reply_without_end_is_cut_at_its_limit() -> None:
    endless = [TextDelta("This is a sentence of words. ") for _ in range(1000)]
    talk = await Talk(
        [*endless, DONE], says("Yes."), limits=LimitsSettings(reply_seconds=10)
    ).greeted()
    assert 150 <= len(spoken(await talk.says("talk"))) <= 180
    assert talk.model.open == 0


@pytest.mark.parametrize(
    "reply",
    [
        [DONE],
        [TextDelta("\N{GRINNING FACE}"), DONE],
        [Finished(FinishReason.CONTENT_FILTER, USAGE)],
    ],
    ids=["empty", "emoji", "filtered"],
)
async def test_a_reply_without_words_is_an_apology(reply: list[Finished | TextDelta]) -> None:
    talk = await Talk(reply).greeted()
    assert spoken(await talk.says("hello")) == PHRASES.apology


async def test_a_model_that_fails_in_mid_reply_keeps_what_was_said() -> None:
    broken: Reply = [TextDelta("Certainly, we do. And"), ProviderError("cut", FailureKind.CUT)]
    talk = await Talk(broken, says("Yes.")).greeted()
    heard = []
    with pytest.raises(ProviderError, match="cut"):
        async for act in talk.agent.reply(CallerTurn("hi")):
            heard.append(act)
    assert spoken(heard) == "Certainly, we do."
    talk.interrupt("Certainly, we do.")
    await talk.says("go on")
    assert talk.shown[2] == AssistantMessage("Certainly, we do.")


async def test_an_agent_that_moves_to_another_pod_remembers() -> None:
    before = await Talk(calls("book", text="Booking."), says("Done."), tools=[Booking()]).greeted()
    await before.says("book it")
    state = json.loads(json.dumps(before.agent.snapshot()))

    after = Talk(says("Yes."), tools=[Booking()])
    after.agent.restore(state)
    await after.says("did it work")

    assert after.shown == [*before.agent.history.messages(), UserMessage("did it work")]
