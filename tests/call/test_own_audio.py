"""A dialogue that hears and speaks: its ears get the audio, its speech is played and counted."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from call.doubles import (
    FRAME,
    RATE_HZ,
    WORD_SAMPLES,
    Conversation,
    Recognizer,
    chain,
    leave,
    listening,
    loud,
    others,
    speaking,
    speech,
)
from media_pod.call.playout import Playout
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Say, Speak
from media_pod.duplex.contract import Decision
from media_pod.providers.ports import Speech, Stt, Word


@pytest.fixture
async def own_audio() -> AsyncIterator[tuple[Conversation, Recognizer]]:
    talk, ears = Conversation(), Recognizer()
    stt: Stt = ears
    talk.mind.ears = chain("stt", stt)
    yield talk, ears
    await talk.end()
    assert not others()


async def test_the_ears_get_the_audio_while_the_caller_speaks_and_the_recognizer_none(
    own_audio: tuple[Conversation, Recognizer],
) -> None:
    talk, ears = own_audio
    ears.texts = ["hello"]
    await listening(talk)
    await talk.speak()
    assert ears.utterances[0].chunks
    assert [utterance.finished for utterance in ears.utterances] == [False]
    await talk.be_silent()
    await talk.listen()
    assert [utterance.finished for utterance in ears.utterances] == [True]
    assert [turn.text for turn in talk.mind.turns] == ["hello"]
    assert not talk.recognizer.utterances


async def test_ears_without_words_are_no_sign_of_a_false_stop(
    own_audio: tuple[Conversation, Recognizer],
) -> None:
    talk, ears = own_audio
    ears.texts = ["count", ""]
    await speaking(talk)
    await talk.speak()
    await talk.be_silent()
    await talk.until(lambda: len(talk.mind.turns) == 2)
    labels = {"reason": "speech_over_echo", "echo": "locked"}
    assert talk.counted("interject_stops_total", **labels) == 1
    assert talk.counted("interject_suspected_false_stops_total", **labels) == 0


async def test_speech_that_is_made_is_played_without_the_voice(
    own_audio: tuple[Conversation, Recognizer],
) -> None:
    talk, _ = own_audio
    talk.mind.answers.append([Speak(speech("One two", 70)), Say("three")])
    await listening(talk)
    spoken = talk.voice.spoken
    await talk.speak()
    await talk.be_silent()
    heard = await talk.listen()
    assert loud(heard, 70) == 2
    assert talk.voice.spoken == spoken + 1
    assert talk.call.transcript.entries[-1].heard == "One two three"


async def test_an_interruption_tells_the_samples_of_each_item(
    own_audio: tuple[Conversation, Recognizer],
) -> None:
    talk, _ = own_audio
    first, second = Speak(speech("One", 70), "a"), Speak(speech("two three", 71), "b")
    talk.mind.answers.append([first, second, Speak(speech("four", 72), "c")])
    await listening(talk)
    await talk.speak()
    await talk.be_silent()
    assert talk.now_is(TurnState.SPEAKING)
    await talk.tick(2 * WORD_SAMPLES // FRAME)
    talk.step(Decision.CALLER, 0.9)
    [cut] = talk.mind.cuts
    assert dict(cut.item_samples) == {"a": WORD_SAMPLES, "b": cut.heard_ms * 8 - WORD_SAMPLES}
    assert cut.heard.split() == "One two three".split()[: cut.heard_ms // 40]
    assert 0 < cut.heard_ms < 160


def test_parts_of_an_item_count_together_and_a_new_turn_from_zero() -> None:
    playout = Playout(RATE_HZ, FRAME)
    word = (Word("one", 0, 3 * FRAME),)
    pcm = np.ones(2 * FRAME, np.int16)
    playout.add(Speech("one", pcm, word), "a")
    playout.add(Speech("", pcm, word, continues=True), "a")
    for _ in range(3):
        leave(playout)
    assert dict(playout.said().item_samples) == {"a": 3 * FRAME}
    playout.stop()
    assert dict(playout.said().item_samples) == {}


def test_on_a_line_with_a_queue_an_item_counts_what_was_played() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech("one two"), "a")
    for taken in range(4):
        leave(playout, max(0, taken - 2))
    assert dict(playout.said().item_samples) == {"a": FRAME}
