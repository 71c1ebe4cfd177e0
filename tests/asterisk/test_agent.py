"""An agent with a language model on the real Asterisk, with a real recognizer and a real voice.

The model is a stand-in that answers by rules. Whisper also hears the telephone's recording: what
the model is told of an interrupted answer is what a listener heard on the line.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asterisk.callers import agent, line, speaker
from asterisk.judged import Judged, judge, played_as_heard
from asterisk.measured import Measured, spread
from asterisk.world import World, world
from interject_lab.evaluation.scenario.stand_in_settings import ModelSettings
from interject_lab.evaluation.stand_ins.model_server import StandInModel
from interject_lab.evaluation.stand_ins.web import on_loopback
from interject_lab.network.levels import is_sound
from interject_lab.recorder.recorder import Recording
from interject_lab.scoring.truth import in_bot_stream
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.telephones.sip.conversation import SipCall
from media_pod.manifest.agent import VoiceAgent
from media_pod.providers.ports import Pcm
from real_time.retry import in_real_time
from rig.environment import INSTALL_S
from rig.voices import VOICE, whisper_model
from voices.real_speech import (
    heard,
    piper,
    piper_of,
    spoken,
    voice_path,
    voices,
    whisper,
    whisper_of,
    words_of,
)

__all__ = ["piper", "voices", "whisper"]
pytestmark = pytest.mark.timeout(INSTALL_S + 240)

PERSON = "interject-phones,201,1"
DIALPLAN = [{"name": "agent", "extensions": ["100"], "transfers": [PERSON]}]
GREETING = "Welcome to the bicycle workshop."
QUESTION = "When do you open?"
ANSWER = (
    "We open every weekday early in the morning, and we close late in the evening. "
    "On Saturday we close at noon, and on Sunday the door stays shut. "
    "You can also leave your bicycle in the yard, and put the key into the letter box."
)
TO_PERSON = "One moment please, I put you through."
GOODBYE = "Thank you for calling, and have a pleasant evening."
RULES = [
    {"when": {"caller": "/open/"}, "say": ANSWER},
    {
        "when": {"caller": "/talk to|somebody/"},
        "say": TO_PERSON,
        "calls": [{"name": "transfer", "arguments": {"place": "sales"}}],
    },
    {"when": {"caller": "/bye/"}, "say": GOODBYE, "calls": [{"name": "hang_up"}]},
    {"say": "Pardon?"},
]
MOST_S = 60.0
TALK_S = 4.0
"""The person hangs up after it."""


def of_model(url: str, **spec: Any) -> VoiceAgent:
    return agent(
        instructions="You are the receptionist of a bicycle workshop.",
        greeting={"text": GREETING},
        llm={"kind": "openai", "model": "stand-in", "baseUrl": f"{url}/v1"},
        tools=[{"kind": "transfer", "places": ["sales"]}, {"kind": "hangUp"}],
        telephony={"transfers": [{"name": "sales", "goto": PERSON}]},
        **spec,
    )


@asynccontextmanager
async def model() -> AsyncIterator[tuple[StandInModel, str]]:
    stand_in = StandInModel(ModelSettings.model_validate({"rules": RULES}))
    async with on_loopback(stand_in.app) as url:
        yield stand_in, url


async def interrupter(voices: Path, interruption: str) -> Caller:
    """Asks after the greeting, and talks over the answer."""
    tts = piper_of(voices)
    question, cut = await spoken(tts, QUESTION), await spoken(tts, interruption)
    await tts.aclose()
    plan = (
        PlannedUtterance(QUESTION, question, Cue.BOT_SILENT, 0.6),
        PlannedUtterance(interruption, cut, Cue.BOT_SPEAKING, 4.0),
    )
    return Caller(plan, 8000)


@dataclass(frozen=True, slots=True, eq=False)
class HeardOnLine:
    """Each turn of the bot as Whisper understands the telephone's recording."""

    judged: Judged
    turns: Sequence[list[str]]


async def listened(voices: Path, call: SipCall, recording: Recording) -> HeardOnLine:
    """The bot's turns of a call, from both of its ends."""
    judged = await asyncio.to_thread(judge, call.record, recording)
    stt = whisper_of(voices)
    turns = [words_of(await heard(stt, pcm)) for pcm in turns_on_the_line(call, recording)]
    await stt.aclose()
    return HeardOnLine(judged, turns)


def turns_on_the_line(call: SipCall, recording: Recording) -> list[Pcm]:
    """What the telephone got of each of the bot's turns."""
    rows = [0, *recording.word_rows]
    played = played_as_heard(recording)
    places = in_bot_stream(call.record, played, [row * 160 for row in rows])
    pieces = zip(recording.words, places[:-1], places[1:], strict=True)
    return [
        call.record.bot[begin : end + 160] for entry, begin, end in pieces if entry.speaker == "bot"
    ]


def check_talk(stand_in: StandInModel, recording: Recording, on_line: HeardOnLine) -> None:
    """The greeting, the question, and an answer that was interrupted."""
    greeting, question, answer = recording.words[:3]
    assert greeting.heard == GREETING
    assert on_line.turns[0] == words_of(GREETING)
    assert words_of(question.heard) == words_of(QUESTION)
    assert answer.cut
    assert answer.unheard
    assert ANSWER.startswith(answer.heard)

    assert stand_in.problems == []
    # Between them may be one for an answer that was prepared in a pause.
    first, *_, last = stand_in.requests
    assert words_of(first[-1]["content"]) == words_of(QUESTION)
    told = [message for message in last if message["role"] == "assistant"]
    assert [message["content"] for message in told] == [GREETING, answer.heard]
    of_model, of_listener = words_of(answer.heard), on_line.turns[1]
    assert abs(len(of_model) - len(of_listener)) <= 1, (of_model, of_listener)
    whole = min(len(of_model), len(of_listener)) - 1
    assert of_model[:whole] == of_listener[:whole]
    assert len(on_line.judged.to_last_rtp_ms) == 1, "the interruption was heard"


def add_rows(measured: Measured, case: str, recording: Recording, on_line: HeardOnLine) -> None:
    words = len(recording.words[2].heard.split()), len(on_line.turns[1])
    measured.row(
        case,
        "words of the interrupted answer: told the model / Whisper hears on the line",
        f"{words[0]} / {words[1]}",
    )
    measured.row(
        case,
        "onset at the microphone to last RTP with sound",
        spread(on_line.judged.to_last_rtp_ms),
    )


@in_real_time
async def test_an_agent_of_wyoming_servers_answers_is_interrupted_and_transfers(
    tree: Path, voices: Path, piper: str, whisper: str, tmp_path: Path, measured: Measured
) -> None:
    caller = await interrupter(voices, "No, wait. I want to talk to somebody else.")
    async with model() as (stand_in, url):
        receptionist = of_model(
            url,
            stt={"kind": "wyoming", "address": whisper},
            tts={"kind": "wyoming", "address": piper, "voice": VOICE},
        )
        async with world(tree, tmp_path, [receptionist], dialplan=DIALPLAN, phones=2) as there:
            answered, called = await transferred(there, caller)

    assert (answered.status, answered.ended) == (200, "the caller hung up")
    (recording,) = there.recordings().values()
    after = called.record.bot[recording.audio("played").size :]
    ticks = after[: after.size // 160 * 160].reshape(-1, 160)
    assert sum(map(is_sound, ticks)) > 25, "the caller hears the person"
    on_line = await listened(voices, called, recording)
    check_talk(stand_in, recording, on_line)
    assert recording.words[-1].heard == TO_PERSON
    add_rows(measured, "agent: Whisper and Piper over Wyoming", recording, on_line)


async def transferred(there: World, caller: Caller) -> tuple[SipCall, SipCall]:
    """The person's call and the caller's."""
    phone = there.phone(line(erl_db=25), caller, max_s=MOST_S)
    talk = [(0.5, "Good morning, this is the sales department.")]
    person = there.phone(line(erl_db=40), speaker(talk), max_s=TALK_S, number=1)
    async with person.registered() as telephone:
        answering = asyncio.create_task(telephone.answer(ring_s=0.2))
        called = await there.call(phone, "100")
        answered = await answering
    await there.until_no_call()
    return answered, called.call


@in_real_time
async def test_an_agent_of_local_models_answers_is_interrupted_and_says_goodbye(
    tree: Path, voices: Path, tmp_path: Path, measured: Measured
) -> None:
    caller = await interrupter(voices, "No, stop. That is enough. Goodbye.")
    async with model() as (stand_in, url):
        receptionist = of_model(
            url,
            stt={"kind": "whisper", "modelPath": str(whisper_model(voices))},
            tts={"kind": "piper", "voicePath": str(voice_path(voices))},
        )
        async with world(tree, tmp_path, [receptionist], dialplan=DIALPLAN, phones=2) as there:
            called = await there.call(there.phone(line(erl_db=25), caller, max_s=MOST_S), "100")
            await there.until_no_call()

    assert called.call.ended == "the bot hung up"
    recording = there.recordings()[called.uuid]
    on_line = await listened(voices, called.call, recording)
    check_talk(stand_in, recording, on_line)
    assert recording.words[-1].heard == GOODBYE
    assert on_line.turns[-1] == words_of(GOODBYE)
    add_rows(measured, "agent: Whisper and Piper in the pod", recording, on_line)
