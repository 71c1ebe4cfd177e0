"""A number in DTMF, key by key: what ends it, what does not, and which keys belong together."""

from call.doubles import LONG, Conversation, conversation, listening, loud, settle
from call.mind import failing_mind
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Say

__all__ = ["conversation"]


async def keyed(conversation: Conversation, keys: str) -> list[str]:
    """Press keys, one in each 200 ms; the numbers that the dialogue has got by then."""
    for key in keys:
        conversation.call.digit(key)
        await conversation.tick(10)
    return numbers(conversation)


def numbers(conversation: Conversation) -> list[str]:
    return [turn.digits for turn in conversation.mind.turns]


async def until_answered(conversation: Conversation) -> None:
    """The first word of the answer to a number, and half of the next, have left."""
    while not (await conversation.tick()).any():
        pass
    await conversation.tick(2)
    assert conversation.now_is(TurnState.SPEAKING)


async def test_a_word_between_two_keys_does_not_split_the_number(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    await keyed(conversation, "48")
    await conversation.speak(15)
    await conversation.be_silent(1000)

    assert await keyed(conversation, "37#") == ["4837"]


async def test_speech_that_goes_on_does_not_hold_up_the_number(conversation: Conversation) -> None:
    await listening(conversation)
    await keyed(conversation, "48")

    await conversation.speak(160)

    assert numbers(conversation) == ["48"]


async def test_keys_over_the_answer_to_a_number_join_it(conversation: Conversation) -> None:
    conversation.mind.answers = [[Say(LONG)], [Say("Thank you")]]
    await listening(conversation)
    await keyed(conversation, "48")
    await until_answered(conversation)

    assert await keyed(conversation, "37#") == ["48", "4837"]
    assert conversation.mind.cuts[0].heard == "One"


async def test_a_number_that_was_asked_for_again_does_not_join_the_one_that_failed(
    conversation: Conversation,
) -> None:
    conversation.mind.answers = [failing_mind]
    await listening(conversation)
    await keyed(conversation, "48")
    while not numbers(conversation):
        await conversation.tick()
    assert conversation.now_is(TurnState.SPEAKING)

    assert await keyed(conversation, "4837#") == ["48", "4837"]


async def test_keys_over_a_greeting_that_cannot_be_interrupted_are_not_lost() -> None:
    conversation = Conversation(greeting="never")
    conversation.mind.greeting = [Say(LONG)]
    await conversation.begin()
    await conversation.tick(3)
    await keyed(conversation, "4")
    conversation.call.digit("8")

    assert loud(await conversation.listen()) > 0
    assert await keyed(conversation, "37#") == ["4837"]
    await conversation.end()


async def test_a_number_that_ends_within_such_a_greeting_is_answered_after_it() -> None:
    conversation = Conversation(greeting="never")
    await conversation.begin()
    for key in "48#":
        conversation.call.digit(key)
    await settle()
    assert not numbers(conversation)

    await conversation.tick(10)

    assert numbers(conversation) == ["48"]
    await conversation.end()
