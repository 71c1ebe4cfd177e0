"""The agent's tools: what their calls do, what the model reads of them, and interruptions."""

import asyncio
from contextlib import aclosing

import pytest

from call.doubles import settle
from dialogues.agent.doubles import PHRASES, USAGE, Booking, Talk, calls, says, spoken
from media_pod.dialogues.agent import tool_runs
from media_pod.dialogues.agent.call_tools import NOT_CARRIED_OUT
from media_pod.dialogues.agent.history import INTERRUPTED
from media_pod.dialogues.ports import CallerTurn, Expect, HangUp, Say, Transfer
from media_pod.manifest.conversation import LimitsSettings
from media_pod.manifest.tools import (
    CollectDigitsToolSettings,
    HangUpToolSettings,
    TransferToolSettings,
)
from media_pod.providers.chat import (
    AssistantMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)


async def test_tools_of_one_reply_run_together_and_their_results_come_next() -> None:
    first, second = Booking("one", "1"), Booking("two", "2")
    first.finish.clear()
    reply = calls("one", "two", text="Let me see.", one='{"a": 1}')
    talk = await Talk(reply, says("Done."), tools=[first, second]).greeted()

    work = asyncio.create_task(talk.says("both"))
    async with asyncio.timeout(5):
        while not second.arguments:
            await settle()
    first.finish.set()
    await work

    assert spoken(talk.said) == "Let me see. Done."
    assert first.arguments == [{"a": 1}]
    assert talk.shown[3:] == [ToolMessage("call-0", "1"), ToolMessage("call-1", "2")]
    assert isinstance(talk.shown[2], AssistantMessage)
    assert [call.name for call in talk.shown[2].calls] == ["one", "two"]
    assert talk.observer.tokens == 2 * (USAGE.input_tokens + USAGE.output_tokens)


async def test_an_interruption_does_not_cancel_a_booking_and_the_model_learns_of_it() -> None:
    booking = Booking()
    booking.finish.clear()
    talk = await Talk(calls("book", text="Booking it."), says("Yes."), tools=[booking]).greeted()
    async with aclosing(talk.agent.reply(CallerTurn("book it"))) as acts:
        assert await anext(acts) == Say("Booking it.")
        waiting = asyncio.create_task(anext(acts))
        while not booking.arguments:
            await settle()
        waiting.cancel()
        await asyncio.wait([waiting])
    talk.interrupt("Booking it.")
    booking.finish.set()

    await talk.says("did it work")

    assert not booking.cancelled
    assert talk.shown[3:] == [
        ToolMessage("call-0", "booked"),
        UserMessage(f"{INTERRUPTED}\ndid it work"),
    ]


async def test_words_of_a_caller_who_interrupts_the_wait_for_a_booking_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tool_runs, "FILLER_AFTER_S", 0.0)
    booking = Booking()
    booking.finish.clear()
    talk = await Talk(calls("book", text="Booking it."), says("Yes."), tools=[booking]).greeted()
    for words, said in (("book it", "Booking it."), ("for two", "One moment.")):
        async with aclosing(talk.agent.reply(CallerTurn(words))) as acts:
            assert await anext(acts) == Say(said)
            waiting = asyncio.create_task(anext(acts))
            await settle()
            waiting.cancel()
            await asyncio.wait([waiting])
        talk.interrupt(said)
    booking.finish.set()

    await talk.says("please")

    assert talk.shown[2:] == [
        AssistantMessage("Booking it.", (ToolCall("call-0", "book", "{}"),)),
        ToolMessage("call-0", "booked"),
        UserMessage(f"{INTERRUPTED}\nfor two\nplease"),
    ]


async def test_an_interrupted_turn_does_not_transfer_later_and_the_model_learns_of_it() -> None:
    booking = Booking()
    booking.finish.clear()
    reply = calls("transfer", "book", transfer='{"place": "sales"}')
    settings = TransferToolSettings(kind="transfer", places=("sales",))
    again = (calls("book"), says("Booked."))
    talk = await Talk(reply, *again, tools=[booking], settings=[settings]).greeted()
    async with aclosing(talk.agent.reply(CallerTurn("book and transfer me"))) as acts:
        waiting = asyncio.create_task(anext(acts))
        while not booking.arguments:
            await settle()
        waiting.cancel()
        await asyncio.wait([waiting])
    talk.interrupt("", answered=False)
    booking.finish.set()

    assert await talk.says("only book again") == [Say("Booked.")]

    results = [message.text for message in talk.shown if isinstance(message, ToolMessage)]
    assert results == [NOT_CARRIED_OUT, "booked", "booked"]


async def test_a_call_that_an_interruption_prevented_was_not_made() -> None:
    """So that the model makes it, and does not wait for its result."""
    booking = Booking()
    replies = (calls("book"), says("Shall I?"))
    talk = await Talk(*replies, tools=[booking]).greeted()
    early = CallerTurn("book", confirmed=asyncio.Event())
    async with aclosing(talk.agent.reply(early)) as acts:
        waiting = asyncio.create_task(anext(acts))
        await settle()
        waiting.cancel()
        await asyncio.wait([waiting])
    talk.interrupt("", answered=False)

    await talk.says("book a table")

    assert not booking.arguments
    (result,) = (message for message in talk.shown if isinstance(message, ToolMessage))
    assert result.text.startswith("Not called")


async def test_the_end_of_the_call_waits_for_a_booking() -> None:
    booking = Booking()
    booking.finish.clear()
    talk = await Talk(calls("book"), tools=[booking]).greeted()
    turn = asyncio.create_task(talk.says("book it"))
    while not booking.arguments:
        await settle()
    turn.cancel()
    await asyncio.wait([turn])
    closing = asyncio.create_task(talk.agent.aclose())
    await settle()
    assert not closing.done()

    booking.finish.set()
    await closing

    assert not booking.cancelled


async def test_an_unknown_tool_and_bad_arguments_are_results_for_the_model() -> None:
    talk = await Talk(
        calls("fly", "book", book="{broken"), says("Sorry."), tools=[Booking()]
    ).greeted()
    assert spoken(await talk.says("fly")) == "Sorry."
    results = [m.text for m in talk.shown if isinstance(m, ToolMessage)]
    assert results[0] == "Error: found tool fly; allowed: book"
    assert results[1].startswith("Error: ")
    assert not talk.agent.history.unheard


async def test_a_model_that_calls_tools_for_ever_is_stopped() -> None:
    replies = [calls("book") for _ in range(3)]
    talk = await Talk(*replies, tools=[Booking()], limits=LimitsSettings(tool_rounds=3)).greeted()
    assert spoken(await talk.says("go")) == PHRASES.apology
    assert not talk.model.replies


async def test_a_transfer_leaves_after_the_text_of_its_reply() -> None:
    reply = calls("transfer", text="I put you through.", transfer='{"place": "sales"}')
    settings = TransferToolSettings(kind="transfer", places=("sales",))
    talk = await Talk(reply, settings=[settings]).greeted()
    assert talk.model.offered == []

    acts = await talk.says("sales please")

    assert acts == [Say("I put you through."), Transfer("phones,601,1")]
    assert talk.model.offered == [["transfer"]]


async def test_a_place_that_is_not_listed_is_refused() -> None:
    reply = calls("transfer", transfer='{"place": "moon"}')
    settings = TransferToolSettings(kind="transfer", places=("sales",))
    talk = await Talk(reply, says("I cannot."), settings=[settings]).greeted()
    assert await talk.says("to the moon") == [Say("I cannot.")]
    assert "sales" in talk.shown[-1].text


async def test_hanging_up_and_collecting_digits_are_acts() -> None:
    replies = (
        calls("collect_digits", text="Your number?", collect_digits='{"count": 4}'),
        calls("hang_up", text="Goodbye."),
    )
    settings = (
        CollectDigitsToolSettings(kind="collectDigits"),
        HangUpToolSettings(kind="hangUp"),
    )
    talk = await Talk(*replies, settings=settings).greeted()
    assert await talk.says("hello") == [Say("Your number?"), Expect(4)]
    assert await talk.says(digits="4712") == [Say("Goodbye."), HangUp("the agent hung up")]
    assert talk.shown[-1] == UserMessage("[keyed: 4712]")
