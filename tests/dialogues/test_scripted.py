"""A dialogue that follows a script."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from call.doubles import Unobserved
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    HangUp,
    Interruption,
    Pause,
    Play,
    Say,
    Transfer,
)
from media_pod.dialogues.scripted import AtEnd, Item, Scripted
from media_pod.providers.ports import ProviderError

RECORDING = Play("hello.wav", np.zeros(80, np.int16))
SCRIPT = [Item(Say("one two"), 500), Item(RECORDING), Item(Say("three four five"))]
TURN = CallerTurn("hello")
OVER = HangUp("the script is over")


async def taken(acts: AsyncIterator[Act]) -> list[Act]:
    return [act async for act in acts]


async def first(acts: AsyncGenerator[Act, None], count: int) -> list[Act]:
    async with aclosing(acts):
        return [await anext(acts) for _ in range(count)]


def cut_after(heard: str) -> Interruption:
    return Interruption(heard, "", 0, 0)


async def test_the_whole_script_is_one_turn() -> None:
    dialogue = Scripted(SCRIPT)
    assert await taken(dialogue.greet()) == [
        SCRIPT[0].act, Pause(500), RECORDING, SCRIPT[2].act, OVER,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("heard", "rest"),
    [
        ("", [SCRIPT[0].act, Pause(500), RECORDING, SCRIPT[2].act, OVER]),
        ("one", [RECORDING, SCRIPT[2].act, OVER]),
        ("one two", [SCRIPT[2].act, OVER]),
        ("one two hello.wav", [SCRIPT[2].act, OVER]),
        ("one two hello.wav three", [OVER]),
    ],
)
async def test_after_an_interruption_the_script_goes_on_with_the_next_item(
    heard: str, rest: list[Act]
) -> None:
    dialogue = Scripted(SCRIPT)
    await taken(dialogue.greet())
    dialogue.interrupted(cut_after(heard))
    assert await taken(dialogue.reply(TURN)) == rest


async def test_a_cut_in_the_pause_loses_nothing() -> None:
    dialogue = Scripted(SCRIPT)
    await first(dialogue.greet(), 2)
    dialogue.interrupted(cut_after("one two"))
    assert (await taken(dialogue.reply(TURN)))[0] is RECORDING


async def test_a_second_interruption_counts_from_its_own_turn() -> None:
    dialogue = Scripted(SCRIPT)
    await taken(dialogue.greet())
    dialogue.interrupted(cut_after("one"))
    await taken(dialogue.reply(TURN))
    dialogue.interrupted(cut_after("hello.wav three four"))
    assert await taken(dialogue.reply(TURN)) == [OVER]


async def test_listening_at_the_end_is_silence() -> None:
    dialogue = Scripted(SCRIPT, AtEnd.LISTEN)
    assert (await taken(dialogue.greet()))[-1] == SCRIPT[2].act
    assert await taken(dialogue.reply(TURN)) == []


async def test_repeating_begins_again_and_resumes_within_a_repetition() -> None:
    dialogue = Scripted([Item(Say("one two")), Item(Say("three"))], AtEnd.REPEAT)
    acts = await first(dialogue.greet(), 5)
    assert acts == [Say("one two"), Say("three"), Say("one two"), Say("three"), Say("one two")]
    dialogue.interrupted(cut_after("one two three one"))
    assert await first(dialogue.reply(TURN), 2) == [Say("three"), Say("one two")]


async def test_a_transfer_is_the_end_of_a_turn_and_is_done_again_after_an_interruption() -> None:
    away = Transfer("phones,200,1")
    dialogue = Scripted([Item(Say("one two")), Item(away, 500), Item(Say("never"))])
    assert await taken(dialogue.greet()) == [Say("one two"), away]
    dialogue.interrupted(cut_after("one"))
    assert await taken(dialogue.reply(TURN)) == [away]


def test_a_script_without_items_is_refused() -> None:
    with pytest.raises(ProviderError, match="0 items, expected at least 1"):
        Scripted([])


async def test_it_is_made_per_call() -> None:
    made = [Scripted.for_call(SCRIPT, AtEnd.LISTEN, CallInfo(uuid), Unobserved()) for uuid in "ab"]
    await taken(made[0].greet())
    assert (await taken(made[1].greet()))[0] == SCRIPT[0].act


async def test_a_script_that_moves_to_another_pod_goes_on_where_it_was() -> None:
    before = Scripted(SCRIPT, AtEnd.LISTEN)
    await first(before.greet(), 2)
    before.interrupted(cut_after("one"))

    after = Scripted(SCRIPT, AtEnd.LISTEN)
    after.restore(before.snapshot())

    assert await taken(after.reply(TURN)) == await taken(before.reply(TURN))


@pytest.mark.parametrize(
    ("heard", "rest"),
    [
        ("您的包", [Say("请在家等候。"), OVER]),
        ("您 的 包 裹 到 了。", [Say("请在家等候。"), OVER]),
        ("您的包裹到了。请在", [OVER]),
    ],
)
async def test_what_was_heard_of_a_text_without_blanks_is_counted_in_characters(
    heard: str, rest: list[Act]
) -> None:
    dialogue = Scripted([Item(Say("您的包裹到了。")), Item(Say("请在家等候。"))])
    await taken(dialogue.greet())
    dialogue.interrupted(cut_after(heard))
    assert await taken(dialogue.reply(TURN)) == rest
