"""One call, tick by tick: who has the turn, what is heard, what is told, what is left over."""

import asyncio
import logging
from collections.abc import AsyncIterator

import numpy as np
import pytest
from call_doubles import (
    SOON,
    Conversation,
    hang,
    loud,
    others,
    settle,
)

from media_pod.agents.ports import Act, HangUp, Pause, ProviderError, Say
from media_pod.call.call import MAX_DIGITS
from media_pod.call.hearing import BETWEEN_DIGITS_MS
from media_pod.call.turn import State
from media_pod.duplex.contract import Decision

LONG = "One two three four five six seven eight nine ten"


@pytest.fixture
async def conversation() -> AsyncIterator[Conversation]:
    talk = Conversation()
    yield talk
    await talk.end()
    assert not others()
    assert talk.mind.open == talk.voice.open == 0


async def listening(conversation: Conversation) -> Conversation:
    """Past the greeting."""
    await conversation.begin()
    await conversation.listen()
    assert conversation.now_is(State.LISTENING)
    return conversation


async def speaking(conversation: Conversation, *acts: Act) -> Conversation:
    """In the middle of an answer: its first word has left, and half of the second."""
    conversation.mind.answers.insert(0, list(acts) or [Say(LONG)])
    await listening(conversation)
    await conversation.speak()
    while not (await conversation.tick()).any():
        pass
    await conversation.tick(2)
    assert conversation.now_is(State.SPEAKING)
    return conversation


async def test_the_bot_greets_and_then_listens(conversation: Conversation) -> None:
    await conversation.begin()
    assert conversation.now_is(State.GREETING)

    audio = await conversation.listen()

    assert loud(audio) == 2
    assert conversation.now_is(State.LISTENING)
    assert [line.heard for line in conversation.call.transcript.lines] == ["Hello there"]


async def test_the_caller_is_answered(conversation: Conversation) -> None:
    conversation.recognizer.texts = ["what time is it"]
    conversation.mind.answers = [[Say("Half past nine")]]
    await listening(conversation)

    await conversation.speak()
    await conversation.be_silent()
    audio = await conversation.listen()

    assert loud(audio) == 3
    assert [turn.text for turn in conversation.mind.turns] == ["what time is it"]
    assert [line.heard for line in conversation.call.transcript.lines] == [
        "Hello there",
        "what time is it",
        "Half past nine",
    ]
    assert not conversation.mind.cuts


async def test_an_interruption_is_silent_in_the_next_frame(conversation: Conversation) -> None:
    await speaking(conversation)
    assert conversation.step(Decision.ONSET, 0.8).any()
    assert conversation.step(Decision.CALLER, 0.9).any()

    assert not conversation.step(Decision.CALLER, 0.9).any()

    assert conversation.now_is(State.INTERRUPTED)
    assert conversation.barge_ins_s == [0.04]


async def test_the_dialogue_is_told_what_was_heard_before_it_replies(
    conversation: Conversation,
) -> None:
    conversation.recognizer.texts = ["yes", "stop"]
    await speaking(conversation)
    began = len(conversation.mind.turns)
    conversation.step(Decision.CALLER, 0.9)
    await settle()

    (cut,) = conversation.mind.cuts
    assert (cut.heard, cut.unheard) == ("One two", LONG.removeprefix("One two "))
    assert cut.heard_ms == 80
    assert len(conversation.mind.turns) == began
    line = conversation.call.transcript.lines[-1]
    assert (line.at_ms, line.cut, line.heard) == (cut.at_ms, True, "One two")

    await conversation.be_silent()
    assert conversation.mind.turns[-1].text == "stop"


async def test_at_ms_counts_from_the_start_of_the_call_and_knows_of_skipped_ticks(
    conversation: Conversation,
) -> None:
    await conversation.begin()
    await conversation.tick(1)
    conversation.call.skip(10)
    conversation.step(Decision.CALLER, 0.9)

    assert conversation.mind.cuts[0].at_ms == (1 + 10 + 1) * 20


async def test_speech_from_before_the_onset_reaches_the_recognizer(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    await conversation.tick(40)
    tick = conversation._tick

    await conversation.speak(10)

    (utterance,) = conversation.recognizer.utterances
    first = tick + 1 - 15  # 300 ms before the onset, which is the next tick
    assert np.array_equal(utterance.audio, np.repeat(np.arange(first, tick + 14), 160))


async def test_no_sample_reaches_the_recognizer_twice(conversation: Conversation) -> None:
    conversation.recognizer.texts = [None]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.now_is(State.THINKING)

    await conversation.tick(2)
    await conversation.speak()

    whole = conversation.recognizer.utterances[1].audio[::160]
    assert np.array_equal(whole, np.arange(whole[0], whole[0] + whole.size))


async def test_who_goes_on_while_the_bot_thinks_takes_the_turn_back(
    conversation: Conversation,
) -> None:
    conversation.recognizer.texts = [None, "my number is four"]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert conversation.now_is(State.THINKING)

    await conversation.speak()
    assert conversation.now_is(State.LISTENING)
    assert conversation.recognizer.utterances[0].discarded
    await conversation.be_silent()
    await conversation.listen()

    first, second = conversation.recognizer.utterances
    assert np.array_equal(second.audio[: first.audio.size], first.audio)
    assert [turn.text for turn in conversation.mind.turns] == ["my number is four"]


async def test_what_was_answered_is_not_heard_again(conversation: Conversation) -> None:
    await speaking(conversation)
    await conversation.speak()

    first, second = conversation.recognizer.utterances
    assert not set(first.audio) & set(second.audio)


async def test_who_goes_on_in_a_pause_that_the_bank_bridges_is_heard() -> None:
    conversation = Conversation(end_silence_ms=200)
    conversation.recognizer.texts = [None]
    await listening(conversation)
    await conversation.speak()
    await conversation.tick(10, Decision.CALLER, 0.1)
    assert conversation.now_is(State.THINKING)
    await conversation.tick(2, Decision.CALLER, 0.1)
    assert conversation.now_is(State.THINKING)

    await conversation.tick(1, Decision.CALLER, 0.9)

    assert conversation.now_is(State.LISTENING)
    await conversation.end()


async def test_a_caller_without_end_is_answered_and_not_taken_for_a_new_one(
    conversation: Conversation,
) -> None:
    conversation.mind.answers = [[Say(LONG)]]
    await listening(conversation)

    await conversation.speak(5000 // 20)
    audio = await conversation.tick(30, Decision.CALLER, 0.9)

    assert loud(audio) == 10
    assert len(conversation.recognizer.utterances) == 1


async def test_work_is_cancelled_by_an_interruption(conversation: Conversation) -> None:
    conversation.voice.hanging = {"never"}
    await speaking(conversation, Say("One two three. never"))
    assert len(others()) == 1

    conversation.step(Decision.CALLER, 0.9)
    await settle()

    assert not others()
    assert conversation.mind.open == conversation.voice.open == 0


async def test_an_interruption_before_the_work_has_begun_leaves_nothing(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    await conversation.speak()
    for _ in range(35):
        conversation.step()
    conversation.step(Decision.CALLER, 0.9)  # the reply's task was made and has not run
    await settle()

    assert conversation.now_is(State.LISTENING)
    assert not others()
    assert not conversation.mind.turns
    assert conversation.recognizer.utterances[0].discarded


async def test_one_iterator_of_the_dialogue_is_open_at_a_time(conversation: Conversation) -> None:
    let_go = asyncio.Event()

    async def slow_to_close() -> AsyncIterator[Act]:
        try:
            yield Say(LONG)
            await hang()
        finally:
            await let_go.wait()

    conversation.mind.answers = [slow_to_close, [Say("I see")]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(3)
    conversation.call.digit("1")
    conversation.call.digit("#")
    await settle()
    before = len(conversation.mind.turns)

    let_go.set()
    await settle()

    assert (conversation.mind.most_open, before, len(conversation.mind.turns)) == (1, 1, 2)


async def test_a_provider_that_ignores_its_cancellation_says_nothing_more() -> None:
    conversation = Conversation(provider_s=1.0)

    async def stubborn() -> AsyncIterator[Act]:
        yield Say("One two")
        try:
            await hang()
        except asyncio.CancelledError:
            yield Say("three four")

    await speaking(conversation, *[Say("One two three four")])
    conversation.mind.answers = [stubborn, [Say("five")]]
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(2)
    conversation.step(Decision.CALLER, 0.9)
    await settle()

    assert loud(await conversation.tick(30)) == 0
    await conversation.end()
    assert not others()


async def listen_to_failure(conversation: Conversation) -> str:
    """The caller speaks and is silent; who is heard then, apology, goodbye or answer."""
    await conversation.speak()
    await conversation.be_silent()
    await conversation.until(lambda: not conversation.now_is(State.THINKING))
    audio = await conversation.listen()
    voices = {77: "apology", 99: "goodbye", 1000: "answer"}
    return " ".join(name for value, name in voices.items() if loud(audio, value))


async def failing_mind() -> AsyncIterator[Act]:
    for cause in ["gone"]:
        raise ProviderError(f"mind: {cause}")
    yield Say("")


async def hanging_mind() -> AsyncIterator[Act]:
    await hang()
    yield Say("")


@pytest.mark.parametrize("fault", ["mind", "slow mind", "voice", "slow voice", "ears", "slow ears"])
async def test_a_provider_that_fails_costs_a_turn_and_the_second_time_the_call(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = await listening(Conversation(provider_s=SOON))
    if "mind" in fault:
        mind = hanging_mind if "slow" in fault else failing_mind
        conversation.mind.answers = [mind, [Say("Better")], mind, mind]
    elif "voice" in fault:
        bad = conversation.voice.hanging if "slow" in fault else conversation.voice.failing
        bad.add("bad")
        say: list[Act] = [Say("bad")]
        conversation.mind.answers = [say, [Say("Better")], say, say]
    else:
        error = None if "slow" in fault else RuntimeError("ears: gone")
        conversation.recognizer.texts = [error, "yes", error, error]

    heard = [await listen_to_failure(conversation) for _ in range(4)]

    assert heard == ["apology", "answer", "apology", "goodbye"]
    assert conversation.call.over
    assert conversation.call.hang_up_reason == "providers failed twice in a row"
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 3
    await conversation.end()
    assert not others()


@pytest.mark.parametrize("fault", ["deaf", "broken"])
async def test_a_recognizer_that_raises_while_it_listens_costs_a_turn(
    conversation: Conversation, fault: str
) -> None:
    await listening(conversation)
    setattr(conversation.recognizer, fault, True)

    assert await listen_to_failure(conversation) == "apology"

    assert conversation.now_is(State.LISTENING)


async def test_a_failure_in_mid_sentence_falls_silent_and_tells_the_dialogue(
    conversation: Conversation,
) -> None:
    conversation.voice.failing = {"bad"}
    conversation.mind.answers = [[Say("One two three. bad")]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()

    audio = await conversation.listen()

    assert (loud(audio), loud(audio, 77)) == (0, 2)
    (cut,) = conversation.mind.cuts
    assert (cut.heard, cut.unheard.split()[0]) == ("", "One")
    assert not conversation.barge_ins_s
    assert not any(line.cut for line in conversation.call.transcript.lines)


async def test_a_dialogue_that_raises_at_an_interruption_is_asked_again(
    conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    conversation.mind.rude = True
    await speaking(conversation)

    await conversation.speak()
    await conversation.be_silent()
    audio = await conversation.listen()

    assert loud(audio) == 2  # "Go on."
    assert "failed at an interruption" in caplog.text


async def test_cancelled_work_that_fails_does_not_trouble_the_next_turn(
    conversation: Conversation, caplog: pytest.LogCaptureFixture
) -> None:
    async def bitter() -> AsyncIterator[Act]:
        yield Say(LONG)
        try:
            await hang()
        finally:
            raise RuntimeError("not like this")

    conversation.mind.answers = [bitter, [Say("I see")]]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(3)
    conversation.call.digit("1")
    conversation.call.digit("#")
    await settle()

    audio = await conversation.listen()

    assert (loud(audio), loud(audio, 77)) == (2, 0)
    assert "not like this" in caplog.text


async def test_a_turn_that_was_cut_while_it_worked_was_no_failure(
    conversation: Conversation,
) -> None:
    conversation.voice.failing = {"bad"}
    conversation.voice.hanging = {"slow"}
    conversation.mind.answers = [[Say("bad")], [Say("One two three. slow")], [Say("bad")]]
    await listening(conversation)
    assert await listen_to_failure(conversation) == "apology"
    await conversation.speak()
    await conversation.be_silent()
    await conversation.tick(5)

    assert await listen_to_failure(conversation) == "apology"


async def test_an_interrupted_apology_is_not_told_to_the_dialogue(
    conversation: Conversation,
) -> None:
    conversation.recognizer.texts = [ProviderError("ears: gone"), "yes"]
    await listening(conversation)
    await conversation.speak()
    await conversation.be_silent()
    assert (await conversation.tick(2)).any()

    await conversation.speak()
    await conversation.be_silent()

    assert not conversation.mind.cuts
    assert [turn.text for turn in conversation.mind.turns] == ["yes"]


async def test_a_number_is_keyed_in_and_ended(conversation: Conversation) -> None:
    await speaking(conversation)
    for digit in "4711":
        conversation.call.digit(digit)
        assert not conversation.step().any()
        await settle()
    conversation.call.digit("#")
    await settle()

    assert conversation.mind.turns[-1].digits == "4711"
    assert conversation.mind.turns[-1].text == ""
    assert conversation.mind.cuts[0].heard.startswith("One")
    assert not conversation.barge_ins_s  # there is no onset to measure from
    assert len(conversation.recognizer.utterances) == 1  # nothing was said with it


async def test_a_number_ends_by_itself(conversation: Conversation) -> None:
    await listening(conversation)
    conversation.call.digit("4")
    await conversation.tick(50)
    conversation.call.digit("2")
    await conversation.tick(BETWEEN_DIGITS_MS // 20 - 1)
    assert not conversation.mind.turns

    await conversation.tick()

    assert [turn.digits for turn in conversation.mind.turns] == ["42"]


async def test_digits_that_come_while_the_bot_thinks_belong_to_the_number(
    conversation: Conversation,
) -> None:
    conversation.mind.answers = [hanging_mind]
    await listening(conversation)
    conversation.call.digit("1")
    await conversation.be_silent(BETWEEN_DIGITS_MS)
    assert conversation.now_is(State.THINKING)

    conversation.call.digit("2")
    await conversation.be_silent(BETWEEN_DIGITS_MS)
    conversation.call.digit("3")
    conversation.call.digit("#")
    await settle()

    assert [turn.digits for turn in conversation.mind.turns] == ["1", "12", "3"]


async def test_a_key_that_is_held_for_ever_fills_nothing(conversation: Conversation) -> None:
    await listening(conversation)
    for _ in range(MAX_DIGITS * 2):
        conversation.call.digit("5")
    conversation.call.digit("#")
    await settle()

    assert conversation.mind.turns[0].digits == "5" * MAX_DIGITS


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

    assert conversation.now_is(State.LISTENING)


async def test_goodbye_is_played_to_its_end_before_the_hang_up(
    conversation: Conversation,
) -> None:
    conversation.mind.greeting = [Say("Good night"), HangUp("closed"), Say("never")]
    await conversation.begin()

    frames = []
    while not conversation.call.over:
        frames.append(await conversation.tick())

    assert loud(np.concatenate(frames)) == 2
    assert frames[-1].any()  # not a tick later than needed
    assert conversation.call.hang_up_reason == "closed"


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


async def test_an_interrupted_goodbye_keeps_the_call(conversation: Conversation) -> None:
    conversation.mind.greeting = [Say(LONG), HangUp("closed")]
    await conversation.begin()
    await conversation.tick(4)
    assert conversation.now_is(State.ENDING)

    await conversation.speak()
    assert conversation.now_is(State.INTERRUPTED)
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
    assert not conversation.barge_ins_s
    assert not any(line.cut for line in conversation.call.transcript.lines)


async def test_who_speaks_over_the_last_words_is_hung_up_on_for_the_same_reason(
    conversation: Conversation,
) -> None:
    await listening(conversation)
    conversation.call.dismiss("the pod has to go")
    conversation.step(Decision.CALLER, 0.9)

    assert conversation.call.over
    assert not conversation.step(Decision.CALLER, 0.9).any()
    assert conversation.call.hang_up_reason == "the pod has to go"


async def test_pauses_are_silent_and_keep_the_turn(conversation: Conversation) -> None:
    await speaking(conversation, Say("One two"), Pause(200), Say("three"))
    await conversation.tick(1)

    assert not (await conversation.tick(10)).any()
    assert conversation.now_is(State.SPEAKING)
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
    assert made * 10 * 40 <= 4000 + 400

    await conversation.tick(100)

    assert made * 10 * 40 <= 2000 + 4000 + 400


@pytest.mark.parametrize("state", [state for state in State if state is not State.OVER])
async def test_the_caller_hangs_up_in_any_state(state: State) -> None:
    conversation = Conversation()
    conversation.recognizer.texts = ["yes", None]
    conversation.voice.hanging = {"never"}
    if state is State.GREETING:
        await conversation.begin()
    elif state is State.ENDING:
        conversation.mind.greeting = [Say(LONG), HangUp("closed")]
        await conversation.begin()
    elif state is State.LISTENING:
        await listening(conversation)
        await conversation.speak()
    else:
        await speaking(conversation, Say("One two three. never"))
        if state in (State.INTERRUPTED, State.THINKING):
            await conversation.speak()
        if state is State.THINKING:
            await conversation.be_silent()
        if state is State.LEAVING:
            conversation.call.dismiss("the pod has to go")
    assert conversation.now_is(state)

    await conversation.end()

    assert not others()
    assert conversation.mind.open == conversation.voice.open == 0
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
