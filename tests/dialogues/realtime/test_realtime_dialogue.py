"""A speech-to-speech model's dialogue: tools, limits, silence, digits and failures."""

import asyncio
import json
from http import HTTPStatus

import pytest

from call.doubles import settle
from dialogues.agent.doubles import PHRASES, Booking, Observer, spoken
from dialogues.realtime.doubles import audio_call, audio_talk, make_dialogue, server_at, words
from dialogues.realtime.scripted_realtime import WORD_MS, Answer, ScriptedRealtime
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.ports import Act, HangUp, Speak, Transfer
from media_pod.dialogues.realtime.dialogue import GO_ON, UNTRANSCRIBED
from media_pod.manifest.conversation import GreetingSettings, LimitsSettings
from media_pod.manifest.tools import HangUpToolSettings, TransferToolSettings
from media_pod.providers.chat import AssistantMessage, ToolCall, ToolMessage, UserMessage
from media_pod.providers.ports import FailureKind, ProviderError

BOOK = ("book", '{"day": "Monday"}')


def said(acts: list[Act]) -> str:
    """The words of the model's speech."""
    texts: list[str] = []
    for act in acts:
        if isinstance(act, Speak):
            if act.speech.continues:
                texts.pop()
            texts.append(words(act.speech))
    return " ".join(texts)


async def test_the_greeting_is_spoken_by_the_model_and_asked_for_once() -> None:
    realtime = ScriptedRealtime("Hello, the desk.", "Yes.")
    greeting = GreetingSettings(text="x")
    async with audio_talk(
        realtime, greeting="Hello, the desk.", greeting_settings=greeting
    ) as talk:
        assert said(await talk.hear(talk.dialogue.greet())) == "Hello, the desk."
        assert said(await talk.says("hi")) == "Yes."
        greet, reply = realtime.session.of("response.create")
        assert "Hello, the desk." in greet["response"]["instructions"]
        assert "response" not in reply
        assert realtime.session.said == [
            "assistant: Hello, the desk.",
            "user: hi",
            "assistant: Yes.",
        ]


async def test_tools_run_and_their_results_go_back() -> None:
    tool = Booking(result="booked")
    realtime = ScriptedRealtime(Answer("One moment.", calls=[BOOK]), "Done.")
    async with audio_talk(realtime, tools=[tool]) as talk:
        acts = await talk.says("book")
        assert said(acts) == "One moment. Done."
        assert tool.arguments == [{"day": "Monday"}]
        assert realtime.session.said[2:] == [
            "function_call: book",
            "function_call_output: booked",
            "assistant: Done.",
        ]
        [told] = realtime.session.setup["tools"]
        assert told["name"] == "book"
        call_id = realtime.session.items[2]["call_id"]
        assert talk.dialogue.history.messages()[1:] == [
            AssistantMessage("One moment.", (ToolCall(call_id, *BOOK),)),
            ToolMessage(call_id, "booked"),
            AssistantMessage("Done."),
        ]
        assert talk.observer.ended == [
            ("llm", "finished"),
            ("tool", "finished"),
            ("llm", "finished"),
        ]
        assert talk.observer.tokens == 240


async def test_an_interruption_does_not_cancel_a_tool_and_the_model_learns_its_result() -> None:
    tool = Booking(result="booked")
    tool.finish.clear()
    call = Answer(calls=[BOOK])
    realtime = ScriptedRealtime(call, "It is booked.", transcripts=["book", "hello"])
    async with audio_call(realtime, transcription=True, tools=[tool]) as talk:
        await talk.speak(30)
        await talk.be_silent()
        await talk.wait(lambda: tool.arguments)
        await talk.speak(30)
        tool.finish.set()
        await talk.be_silent()
        await talk.wait(lambda: talk.now_is(TurnState.SPEAKING))
        assert tool.cancelled == 0
        assert "function_call_output: booked" in realtime.session.said


async def test_acts_of_call_tools_end_the_turn() -> None:
    transfer = ("transfer", json.dumps({"place": "sales"}))
    realtime = ScriptedRealtime(Answer("Goodbye.", calls=[transfer]))
    settings = [
        TransferToolSettings(kind="transfer", places=("sales",)),
        HangUpToolSettings(kind="hangUp"),
    ]
    async with audio_talk(realtime, settings=settings) as talk:
        acts = await talk.says("sales please")
        assert said(acts) == "Goodbye."
        assert acts[-1] == Transfer("phones,601,1")
        assert len(realtime.session.of("response.create")) == 1


async def test_digits_are_told_in_words() -> None:
    realtime = ScriptedRealtime("Thanks.")
    async with audio_talk(realtime) as talk:
        await talk.says(digits="4711")
        assert realtime.session.said[0] == "user: [keyed: 4711]"


async def test_a_silent_caller_is_asked_and_then_left() -> None:
    realtime = ScriptedRealtime()
    async with audio_talk(realtime, limits=LimitsSettings(silence_prompts=1)) as talk:
        assert spoken(await talk.says()) == PHRASES.still_there
        acts = await talk.says()
        assert spoken(acts) == PHRASES.silence_goodbye
        assert acts[-1] == HangUp("the caller is silent")
        assert not realtime.session.of("response.create")


async def test_the_limit_of_turns_ends_the_call_politely() -> None:
    realtime = ScriptedRealtime("Yes.", "No.")
    async with audio_talk(realtime, limits=LimitsSettings(turns=1)) as talk:
        await talk.says("one")
        acts = await talk.says("two")
        assert spoken(acts) == PHRASES.limit_goodbye
        assert acts[-1] == HangUp("the limit of 1 turns")
        assert len(realtime.session.of("response.create")) == 1


async def test_an_answer_beyond_the_limit_is_cut_and_cancelled() -> None:
    long = Answer(" ".join(["word"] * 60), pause_after=30)
    realtime = ScriptedRealtime(long)
    async with audio_talk(realtime, limits=LimitsSettings(reply_seconds=5)) as talk:
        acts = await talk.says("go on")
        samples = sum(act.speech.pcm.size for act in acts if isinstance(act, Speak))
        assert 5 * 8000 <= samples <= 5 * 8000 + WORD_MS * 8
        async with asyncio.timeout(5):
            while not realtime.session.of("response.cancel"):
                await asyncio.sleep(0.001)


async def test_a_model_that_calls_tools_for_ever_is_stopped() -> None:
    realtime = ScriptedRealtime(*[Answer(calls=[BOOK]) for _ in range(9)])
    async with audio_talk(
        realtime, tools=[Booking()], limits=LimitsSettings(tool_rounds=3)
    ) as talk:
        assert spoken(await talk.says("book")) == PHRASES.apology
        async with asyncio.timeout(5):
            while realtime.session.said.count("function_call_output: booked") < 3:
                await asyncio.sleep(0.001)
        assert len(realtime.session.of("response.create")) == 3


async def test_an_empty_answer_and_a_filtered_one_are_apologies() -> None:
    realtime = ScriptedRealtime(Answer(), Answer("I", reason="content_filter"))
    async with audio_talk(realtime) as talk:
        assert spoken(await talk.says("a")) == PHRASES.apology
        assert spoken(await talk.says("b")) == PHRASES.apology


async def test_a_stop_that_was_nothing_goes_on_in_the_models_voice() -> None:
    realtime = ScriptedRealtime("one two three four", "three four")
    async with audio_talk(realtime) as talk:
        [*_, last] = await talk.says("count")
        assert isinstance(last, Speak)
        talk.interrupt("one two", {last.item: 2 * WORD_MS * 8})
        assert said(await talk.says()) == "three four"
        assert f"system: {GO_ON.format(rest='three four')}" in realtime.session.said
        assert talk.dialogue.history.messages()[-1] == AssistantMessage("one two three four")


async def test_a_late_transcript_takes_its_place_in_the_history() -> None:
    realtime = ScriptedRealtime(Answer("Yes.", pause_after=1))
    async with audio_call(realtime, transcription=True) as call:
        await call.speak(30)
        await call.be_silent()
        await call.wait(lambda: call.now_is(TurnState.SPEAKING))
        assert call.dialogue.history.messages()[0] == UserMessage(UNTRANSCRIBED)
        user = realtime.session.items[0]["id"]
        event = {"type": "conversation.item.input_audio_transcription.completed"}
        await realtime.session.socket.send(
            json.dumps(event | {"item_id": user, "transcript": " are you open \n"})
        )
        await call.wait(lambda: call.dialogue.history.messages()[0] == UserMessage("are you open"))


async def test_noise_without_words_gets_no_answer() -> None:
    realtime = ScriptedRealtime(Answer("Pardon?", pause_after=0), transcripts=[""])
    async with audio_call(realtime, transcription=True) as call:
        await call.speak(30)
        await call.be_silent()
        await call.wait(lambda: realtime.session.of("response.cancel"))
        await call.wait(lambda: not realtime.session.items)
        assert call.dialogue.history.messages() == []


async def test_a_conversation_goes_on_in_another_process() -> None:
    realtime = ScriptedRealtime("Yes.", "Of course.")
    async with audio_talk(realtime) as talk:
        await talk.says("open")
        state = json.loads(json.dumps(talk.dialogue.snapshot()))
        dialogue = make_dialogue(talk.dialogue._conversation.server, talk.observer)
        dialogue.restore(state)
        await dialogue.open()
        await settle()
        await dialogue.aclose()
        async with asyncio.timeout(5):
            while len(realtime.session.items) < 2:
                await asyncio.sleep(0.001)
        assert realtime.session.said == ["user: open", "assistant: Yes."]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "slow down"}, FailureKind.RATE_LIMITED),
        ({"code": "insufficient_quota", "message": "pay"}, FailureKind.QUOTA_EXCEEDED),
        ({"type": "server_error", "message": "oops"}, FailureKind.SERVER_ERROR),
        ({"type": "invalid_request_error", "message": "no"}, FailureKind.BAD_REQUEST),
    ],
)
async def test_a_failed_answer_says_why(error: dict[str, str], kind: FailureKind) -> None:
    realtime = ScriptedRealtime(Answer(error=error), Answer(error=error))
    async with audio_talk(realtime) as talk:
        with pytest.raises(ProviderError, match=error["message"]) as raised:
            await talk.says("hi")
        assert raised.value.kind is kind
        assert "gpt-x" in str(raised.value)
        assert ("llm", "failed") in talk.observer.ended


async def test_a_server_that_says_nothing_is_late() -> None:
    realtime = ScriptedRealtime(Answer("Yes.", pause_after=0))
    async with audio_talk(realtime, deadline_s=0.2) as talk:
        with pytest.raises(ProviderError, match="no speech for") as raised:
            await talk.says("hi")
        assert raised.value.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    ("frame", "found"), [("{", "JSON"), ("[]", "JSON objects"), ('{"type": 5}', "")]
)
async def test_what_is_no_event_of_the_api(frame: str, found: str) -> None:
    realtime = ScriptedRealtime("Yes.")
    realtime.text_frames = [frame]
    async with audio_talk(realtime) as talk:
        if not found:
            assert said(await talk.says("hi")) == "Yes."
            return
        session = talk.dialogue._conversation._session
        assert session is not None
        async with asyncio.timeout(5):
            while session.lost is None:
                await asyncio.sleep(0.001)
        assert session.lost.kind is FailureKind.BAD_ANSWER
        assert found in str(session.lost)


async def test_a_wrong_key_says_so_and_is_not_shown() -> None:
    realtime = ScriptedRealtime(refuses=HTTPStatus.UNAUTHORIZED)
    async with realtime.running() as url:
        server = server_at(url, key="sk-secret")
        await server.start()
        dialogue = make_dialogue(server, Observer())
        with pytest.raises(ProviderError, match="no entry") as raised:
            await dialogue.open()
        await dialogue.aclose()
    assert raised.value.kind is FailureKind.UNAUTHORIZED
    assert "sk-secret" not in str(raised.value)
    assert len(realtime.requests) == 1
    assert realtime.requests[0].headers["Authorization"] == "Bearer sk-secret"
    assert realtime.requests[0].path == "/v1/realtime?model=gpt-x"


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with ScriptedRealtime().running() as url:
        pass
    server = server_at(url)
    await server.start()
    dialogue = make_dialogue(server, Observer())
    with pytest.raises(ProviderError, match="no connection") as raised:
        await dialogue.open()
    await dialogue.aclose()
    assert raised.value.kind is FailureKind.UNREACHABLE


async def test_a_server_that_keeps_its_turn_detection_is_refused() -> None:
    realtime = ScriptedRealtime()
    realtime.turn_detection = {"type": "server_vad"}
    with pytest.raises(ProviderError, match="expected null"):
        async with audio_talk(realtime):
            pass


async def test_a_setting_that_the_server_refuses_says_which() -> None:
    realtime = ScriptedRealtime()
    realtime.on_setup = {"type": "invalid_request_error", "message": "unknown voice x"}
    with pytest.raises(ProviderError, match="unknown voice x") as raised:
        async with audio_talk(realtime):
            pass
    assert raised.value.kind is FailureKind.BAD_REQUEST
