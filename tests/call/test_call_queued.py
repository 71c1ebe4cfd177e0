"""A conversation over a line with a queue of its own: only what has left that queue was heard."""

import pytest

from call.doubles import FRAME, LONG, Conversation, conversation, fades_out
from media_pod.call.call import HANG_UP_SILENCE_MS
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import HangUp, Say

__all__ = ["conversation"]
QUEUED = 5


async def listening(conversation: Conversation) -> None:
    """Past the greeting."""
    await conversation.begin()
    await conversation.listen()
    await conversation.tick(QUEUED)
    assert conversation.now_is(TurnState.LISTENING)


async def speaking(conversation: Conversation, left: int) -> None:
    """An answer under way: so many of its frames have left the queue."""
    conversation.queued = QUEUED
    conversation.mind.answers.insert(0, [Say(LONG)])
    await listening(conversation)
    await conversation.speak()
    while not (await conversation.tick()).any():
        pass
    await conversation.tick(QUEUED + left)
    assert conversation.now_is(TurnState.SPEAKING)


@pytest.mark.parametrize("left", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("by", ["speech", "digit"])
async def test_an_interruption_counts_the_words_that_have_left(
    conversation: Conversation, left: int, by: str
) -> None:
    await speaking(conversation, left)
    if by == "digit":
        conversation.call.digit("5")
    else:
        await conversation.speak(1)
        left += 3  # the onset takes three ticks, and it is decided after the next one's frame

    words = LONG.split()
    (cut,) = conversation.mind.cuts
    heard = left // 2 if by == "digit" else (left + 1) // 2
    assert (cut.heard.split(), cut.unheard.split()) == (words[:heard], words[heard:])
    assert conversation.flushes == 1
    audio = await conversation.tick(10)
    assert fades_out(audio[:FRAME])
    assert not audio[FRAME:].any()


async def test_a_turn_is_over_when_it_has_left_the_queue(conversation: Conversation) -> None:
    conversation.queued = QUEUED
    await conversation.begin()
    while not (await conversation.tick()).any():
        pass
    while (await conversation.tick()).any():
        pass  # "Hello there" takes four frames; this is the first one without sound
    await conversation.tick(QUEUED - 1)
    assert conversation.now_is(TurnState.GREETING)

    await conversation.tick()

    assert conversation.now_is(TurnState.LISTENING)
    assert conversation.call.transcript.entries[-1].heard == "Hello there"
    assert conversation.flushes == 0


async def test_the_bot_hangs_up_when_its_goodbye_has_left(conversation: Conversation) -> None:
    conversation.queued = QUEUED
    conversation.mind.greeting = [Say("Good bye"), HangUp("done")]
    await conversation.begin()
    while not (await conversation.tick()).any():
        pass
    await conversation.tick(3 + QUEUED + HANG_UP_SILENCE_MS // 20)
    assert conversation.now_is(TurnState.ENDING)

    await conversation.tick()

    assert conversation.call.over
    assert conversation.call.transcript.entries[-1].heard == "Good bye"


async def test_nothing_is_flushed_when_the_bot_was_silent(conversation: Conversation) -> None:
    conversation.queued = QUEUED
    await listening(conversation)
    await conversation.speak()

    assert conversation.flushes == 0


async def test_a_line_without_a_queue_is_never_flushed(conversation: Conversation) -> None:
    conversation.mind.answers.insert(0, [Say(LONG)])
    await listening(conversation)
    await conversation.speak()
    while not (await conversation.tick()).any():
        pass
    conversation.call.digit("5")

    assert conversation.mind.cuts
    assert conversation.flushes == 0
