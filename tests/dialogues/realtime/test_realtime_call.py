"""Calls with a speech-to-speech model: the call interrupts it, and it knows what was heard."""

from typing import Literal

import numpy as np
import pytest

from call.doubles import SOON, loud
from dialogues.agent.doubles import PHRASES
from dialogues.realtime.doubles import AudioCall, audio_call
from dialogues.realtime.scripted_realtime import LEVEL, WORD_MS, Answer, ScriptedRealtime
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.realtime import corrections, g711
from media_pod.dialogues.realtime.dialogue import UNTRANSCRIBED
from media_pod.duplex.contract import Decision
from media_pod.providers.chat import AssistantMessage, UserMessage

LONG = "one two three four five six seven eight nine ten"


async def ask(call: AudioCall) -> None:
    """The caller speaks, and the bot begins to answer."""
    await call.speak(30)
    await call.be_silent()
    await call.wait(lambda: call.now_is(TurnState.SPEAKING))


async def interrupt_after(call: AudioCall, ticks: int) -> None:
    """In the tick in which so many frames of the answer have left, the caller interrupts."""
    for _ in range(ticks - 1):
        await call.tick()
    call.step(Decision.CALLER, 0.9)


async def test_the_caller_is_heard_while_they_speak_and_answered_at_the_commit() -> None:
    realtime = ScriptedRealtime("We open at nine.", transcripts=["when do you open"])
    async with audio_call(realtime, transcription=True) as call:
        await call.speak(30)
        await call.wait(lambda: realtime.session.audio)
        assert not realtime.session.of("input_audio_buffer.commit")

        await call.be_silent()
        await call.wait(lambda: call.now_is(TurnState.SPEAKING))
        heard = await call.listen()

        kinds = [event["type"] for event in realtime.session.received]
        others = [kind for kind in kinds if kind != "input_audio_buffer.append"]
        assert others == ["session.update", "input_audio_buffer.commit", "response.create"]
        assert (heard == LEVEL).sum() == 4 * (WORD_MS - 40) * 8
        assert call.dialogue.history.messages() == [
            UserMessage("when do you open"),
            AssistantMessage("We open at nine."),
        ]
        said = [entry.heard for entry in call.call.transcript.entries]
        assert said == ["when do you open", "We open at nine."]


async def test_the_server_gets_each_sample_once_from_before_the_onset() -> None:
    realtime = ScriptedRealtime("Yes.")
    async with audio_call(realtime) as call:
        await call.tick(40)
        await call.speak(30)
        await call.be_silent()
        await call.wait(lambda: realtime.session.heard)
        # The caller's audio is the number of the tick; mu-law keeps small numbers apart.
        numbers = g711.decoded(realtime.session.heard[0])
        assert (np.diff(numbers.reshape(-1, 160), axis=1) == 0).all()
        ticks = numbers[::160]
        assert (np.diff(ticks) >= 0).all()
        assert ticks[0] < 43, "it begins before the onset"


async def test_an_interruption_truncates_the_item_at_the_heard_millisecond() -> None:
    realtime = ScriptedRealtime(LONG, "All right.", transcripts=["count", "stop"])
    async with audio_call(realtime, transcription=True) as call:
        await ask(call)
        await interrupt_after(call, 35)  # 700 ms: three words, and half of the fourth
        session = realtime.session
        await call.wait(lambda: session.of("conversation.item.truncate"))
        assert session.of("conversation.item.truncate")[0]["audio_end_ms"] == 700
        assert call.dialogue.history.messages() == [
            UserMessage("count"),
            AssistantMessage("one two three"),
        ]

        await ask(call)

        assert session.items[1]["audio_ms"] == 700
        assert session.said[:3] == ["user: (audio)", "assistant: (audio)", "user: (audio)"]
        last = call.dialogue.history.messages()[-2]
        assert isinstance(last, UserMessage)
        assert last.text.endswith("stop")


@pytest.mark.parametrize("ticks", [1, 9, 10, 11, 49])
async def test_the_truncation_is_what_was_played_whatever_the_format(ticks: int) -> None:
    realtime = ScriptedRealtime("one two three four five")
    async with audio_call(realtime, audio_format="pcm") as call:
        await ask(call)
        await interrupt_after(call, ticks)
        await call.wait(lambda: realtime.session.of("conversation.item.truncate"))
        [truncation] = realtime.session.of("conversation.item.truncate")
        assert truncation["audio_end_ms"] == 20 * ticks


async def test_an_interruption_before_the_end_cancels_the_answer_and_drops_late_audio() -> None:
    long = Answer(LONG, pause_after=4, late_deltas=True)
    realtime = ScriptedRealtime(long, "Yes.", transcripts=["count", "stop"])
    async with audio_call(realtime, transcription=True) as call:
        await ask(call)
        await call.wait(lambda: realtime.session.items[-1].get("audio_ms") == 800)
        await interrupt_after(call, 30)
        await call.wait(lambda: realtime.session.of("response.cancel"))

        await ask(call)
        heard = await call.listen()

        assert (heard == LEVEL).sum() == (WORD_MS - 40) * 8, "only the word of the second answer"
        assert call.dialogue.history.messages()[-1] == AssistantMessage("Yes.")


@pytest.mark.parametrize("truncation", ["silent", "refused"])
async def test_a_server_without_truncation_gets_the_heard_text(
    truncation: Literal["silent", "refused"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "TRUNCATED_S", SOON)
    transcripts = ["count", "stop"]
    realtime = ScriptedRealtime(LONG, "Yes.", truncation=truncation, transcripts=transcripts)
    async with audio_call(realtime, transcription=True) as call:
        await ask(call)
        await interrupt_after(call, 35)
        await call.wait(lambda: len(realtime.session.of("conversation.item.create")))

        await ask(call)
        await call.listen()

        said = ["user: (audio)", "assistant: one two three", "user: (audio)", "assistant: Yes."]
        assert realtime.session.said == said


async def test_of_an_answer_that_was_not_heard_at_all_nothing_is_left() -> None:
    realtime = ScriptedRealtime(Answer(pause_after=0, text=LONG), "Both.", transcripts=["a", "b"])
    async with audio_call(realtime, transcription=True) as call:
        await call.speak(30)
        await call.be_silent()
        await call.wait(lambda: len(realtime.session.items) == 2)
        assert call.now_is(TurnState.THINKING)
        before = len(realtime.session.heard[0])

        await call.speak(30)  # the caller goes on
        await call.be_silent()
        await call.wait(lambda: call.now_is(TurnState.SPEAKING))
        await call.listen()

        assert realtime.session.said == ["user: (audio)", "assistant: Both."]
        assert len(realtime.session.heard[1]) > before, "the turn comes again as a whole"


async def test_without_transcripts_the_turn_goes_on_without_text() -> None:
    realtime = ScriptedRealtime("Yes.", "Of course.")
    async with audio_call(realtime) as call:
        await ask(call)
        await call.listen()
        await ask(call)
        assert call.dialogue.history.messages() == [
            UserMessage(UNTRANSCRIBED),
            AssistantMessage("Yes."),
            UserMessage(UNTRANSCRIBED),
            AssistantMessage("Of course."),
        ]


async def test_a_connection_that_is_lost_before_the_first_sound_is_made_again() -> None:
    realtime = ScriptedRealtime(
        "Yes.", Answer(lose=True), "Of course.", transcripts=["a", "b", "b"]
    )
    async with audio_call(realtime, transcription=True) as call:
        await ask(call)
        await call.listen()
        await ask(call)
        await call.listen()
        assert len(realtime.sessions) == 2
        assert realtime.session.said == [
            "user: a",
            "assistant: Yes.",
            "user: (audio)",
            "assistant: Of course.",
        ]
        assert realtime.sessions[0].heard[1] == realtime.session.heard[0]


async def test_a_connection_that_is_lost_in_the_middle_is_an_apology() -> None:
    lost = Answer("one two three", pause_after=2)
    realtime = ScriptedRealtime(lost, "Yes.")
    async with audio_call(realtime) as call:
        await ask(call)
        await realtime.session.socket.close(1011, "restart")
        await call.wait(lambda: call.dialogue._conversation.session is None)
        await call.listen()
        assert call.call.transcript.entries[-1].heard == "Sorry again"
        await ask(call)
        await call.listen()
        assert call.dialogue.history.messages()[-1] == AssistantMessage("Yes.")
        assert len(realtime.sessions) == 2


async def test_a_server_that_answers_commits_by_itself_is_heard_once() -> None:
    realtime = ScriptedRealtime("Yes.", answers_commits=True)
    async with audio_call(realtime) as call:
        await ask(call)
        heard = await call.listen()
        assert (heard == LEVEL).sum() == (WORD_MS - 40) * 8
        assert call.dialogue.history.messages()[-1] == AssistantMessage("Yes.")


async def test_beta_names_are_understood_and_spoken() -> None:
    realtime = ScriptedRealtime(LONG, "Yes.", beta=True, transcripts=["count", "stop"])
    async with audio_call(realtime, transcription=True) as call:
        await ask(call)
        await interrupt_after(call, 35)
        await call.wait(lambda: realtime.session.of("conversation.item.truncate"))
        assert call.dialogue.history.messages()[-1] == AssistantMessage("one two three")
        setup = realtime.session.setup
        assert setup["input_audio_format"] == setup["output_audio_format"] == "g711_ulaw"
        assert setup["modalities"] == ["audio", "text"]


async def test_a_wideband_line_speaks_and_hears_pcm() -> None:
    realtime = ScriptedRealtime("We do.")
    async with audio_call(realtime, rate_hz=16_000) as call:
        await ask(call)
        assert realtime.session.setup["audio"]["output"]["format"]["type"] == "audio/pcm"
        assert len(realtime.session.heard[0]) % 2 == 0


async def test_after_an_answer_silence_is_silence_and_keys_are_a_turn() -> None:
    realtime = ScriptedRealtime("Yes.", "Four.")
    async with audio_call(realtime) as call:
        await ask(call)
        await call.listen()
        heard = await call.listen()
        assert loud(heard) == len(PHRASES.still_there.split()), "said by the pod's voice"
        assert len(realtime.session.of("response.create")) == 1

        for digit in "4#":
            call.call.digit(digit)
        await call.wait(lambda: call.now_is(TurnState.SPEAKING))
        await call.listen()
        assert realtime.session.said == [
            "user: (audio)",
            "assistant: Yes.",
            "user: [keyed: 4]",
            "assistant: Four.",
        ]


async def test_a_backchannel_is_not_answered_and_the_model_goes_on() -> None:
    transcripts = ["count", "mhm"]
    waiting = Answer("Pardon?", pause_after=0)
    realtime = ScriptedRealtime(LONG, waiting, "four five", transcripts=transcripts)
    async with audio_call(realtime, transcription=True) as call:
        await ask(call)
        await interrupt_after(call, 35)
        await ask(call)
        await call.listen()
        said = realtime.session.said
        assert said[2].startswith("system: ")
        assert said[3:] == ["assistant: four five"]
        assert call.dialogue.history.messages()[1:] == [AssistantMessage("one two three four five")]
