"""A number whose length the bot asked for: the turn ends with its last digit."""

from call.doubles import Conversation, conversation, listening
from media_pod.dialogues.ports import Expect, Say

__all__ = ["conversation"]


async def key(conversation: Conversation, *digits: str) -> list[str]:
    """Press keys; what the dialogue has got one tick after the last."""
    for digit in digits:
        conversation.call.digit(digit)
        await conversation.tick()
    return [turn.digits for turn in conversation.mind.turns]


async def test_the_last_expected_digit_ends_the_turn(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say("Which number?"), Expect(3)]
    await listening(conversation)
    assert await key(conversation, "4", "7") == []
    assert await key(conversation, "1") == ["471"]


async def test_a_caller_who_was_silent_still_owes_the_number(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say("Which number?"), Expect(2)]
    await listening(conversation)
    while not conversation.mind.turns:
        await conversation.tick()
    await conversation.listen()
    assert await key(conversation, "4", "7") == ["", "47"]


async def test_a_number_that_came_is_not_expected_again(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say("Which number?"), Expect(1)]
    await listening(conversation)
    assert await key(conversation, "4") == ["4"]
    await conversation.listen()
    assert await key(conversation, "5") == ["4"]
