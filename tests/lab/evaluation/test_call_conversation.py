"""What a call was, from the pod's reports and the telephone's recording."""

from typing import Any

import numpy as np

from interject_lab.call_record import CallRecord
from interject_lab.evaluation.calls.call_conversation import conversation_of
from interject_lab.evaluation.calls.call_log import CallLog
from interject_lab.evaluation.calls.scripted_caller import ScriptedCaller
from interject_lab.evaluation.calls.spoken_speech import SpokenPiece
from interject_lab.evaluation.conversation import GREETING, Ending, SeenConversation, ToolUse
from interject_lab.evaluation.stand_ins.spoken_words import CallerWords
from lab.evaluation.scenarios import scenario
from lab.evaluation.test_spoken_speech import WORD_SAMPLES, pieces_of, speech
from media_pod.providers.ports import Pcm

RATE_HZ = 8000
TICK_NS = 20_000_000
STEPS = ({"say": "one"}, {"interrupt": {"afterWords": 1, "say": "two"}})
HELLO, ANSWER = speech("hello there", 1), speech("we are open now", 2)


def at(ms: int) -> int:
    return ms * 1_000_000


class Made:
    """A call that the test puts together: its clock begins at 0, without any delay."""

    def __init__(self, *steps: dict[str, Any]) -> None:
        self.scenario = scenario(*(steps or STEPS))
        self.log = CallLog()
        self.caller = ScriptedCaller(self.scenario.steps, {}, RATE_HZ, self.log, CallerWords())
        self.bot = np.zeros(RATE_HZ * 4, np.int16)

    def event(self, name: str, ms: int, **facts: Any) -> None:
        self.log.take({"event": name, "at_ns": at(ms), **facts})

    def turn(self, number: int, ms: int, words: str | None = None, digits: str = "") -> None:
        self.event("turn", ms, number=number)
        if words is not None:
            self.event("recognized", ms + 10, text=words, digits=digits)

    def played(self, ms: int, heard: str, unheard: str = "", *, cut: bool = False) -> None:
        self.event("played", ms, heard=heard, unheard=unheard, cut=cut)

    def request(
        self, number: int, kind: str, asked_ms: int, answered_ms: int, **facts: Any
    ) -> None:
        about = {"provider": "double", "text": "", **facts}
        self.event("requested", asked_ms, request=number, kind=kind, **about)
        self.event("answered", answered_ms, request=number)

    def sound(self, ms: int, pcm: Pcm) -> None:
        self.bot[ms * 8 : ms * 8 + pcm.size] = pcm

    def conversation(self, pieces: list[SpokenPiece] | None = None) -> SeenConversation:
        ticks = np.arange(self.bot.size // 160, dtype=np.int64)
        record = CallRecord(
            rate_hz=RATE_HZ,
            caller=np.zeros_like(self.bot),
            bot=self.bot,
            caller_sent_ns=ticks * TICK_NS,
            bot_arrived_ns=ticks * TICK_NS,
            bot_played_sample=ticks * 160,
            line_delay_ms=np.zeros(ticks.size, np.float32),
            spoken=(),
            ended="the caller hung up",
        )
        return conversation_of(self.scenario, self.caller, self.log, record, pieces or [], None)


def interrupted_call() -> Made:
    made = Made()
    made.turn(1, 0)
    made.sound(100, HELLO.pcm)
    made.played(300, "hello there")
    made.caller.turn_before, made.caller.ended_ms = {0: 1, 1: 2}, {0: 600, 1: 1900}
    made.turn(2, 1000, "one")
    made.request(1, "llm", 1010, 1100)
    made.request(2, "tool", 1120, 1130, provider="find", text='{"a": 1}')
    made.event("done", 1130, request=2, outcome="finished", text="found")
    made.request(3, "tts", 1200, 1210)
    made.sound(1220, ANSWER.pcm[: 2 * WORD_SAMPLES + 100])
    made.played(1400, "we are", "open now", cut=True)
    made.turn(3, 2000, "two", "5")
    made.event("ended", 2100, by="caller", goto="")
    return made


def test_turns_belong_to_the_step_before_them() -> None:
    seen = interrupted_call().conversation(pieces_of(HELLO, ANSWER))
    assert [(turn.step, turn.heard, turn.cut) for turn in seen.bot] == [
        (GREETING, "hello there", False),
        (0, "we are", True),
    ]
    assert [(turn.step, turn.text, turn.digits) for turn in seen.caller] == [
        (0, "one", ""),
        (1, "two", "5"),
    ]
    assert seen.tools == (ToolUse("find", '{"a": 1}', "found"),)
    assert seen.cut_by(1) == seen.bot[1]


def test_the_line_says_which_words_it_carried_in_which_turn() -> None:
    seen = interrupted_call().conversation(pieces_of(HELLO, ANSWER))
    assert [turn.heard_on_line for turn in seen.bot] == ["hello there", "we are"]
    made = interrupted_call()
    made.sound(1220, ANSWER.pcm)
    late = made.conversation(pieces_of(HELLO, ANSWER)).bot[1]
    assert (late.heard_on_line, late.words_error) == ("we are open now", 2)


def test_nothing_is_known_of_sound_that_no_voice_made() -> None:
    seen = interrupted_call().conversation(pieces_of(HELLO))
    assert [turn.words_error for turn in seen.bot] == [0, None]


def test_times_count_from_the_end_of_the_callers_speech() -> None:
    _, answer = interrupted_call().conversation().bot
    assert list(answer.stages) == [400.0, 410.0, 500.0, 600.0, 620.0]


def test_who_ended_the_call() -> None:
    for by, goto, ending in (
        ("caller", "", Ending.CALLER),
        ("bot", "", Ending.HANG_UP),
        ("bot", "phones,1,1", Ending.TRANSFER),
        ("error", "", Ending.FAILED),
        ("pod", "phones,1,1", Ending.FAILED),
    ):
        made = Made({"untilBotSilent": True})
        made.event("ended", 0, by=by, goto=goto)
        seen = made.conversation()
        assert (seen.ending, seen.goto) == (ending, goto)
        assert any("found an end by" in each for each in seen.problems) == (by in ("error", "pod"))


def test_steps_that_are_left_when_the_bot_hangs_up_are_a_problem() -> None:
    made = Made()
    made.event("ended", 0, by="bot", goto="")
    assert made.conversation().problems == (
        "found the end of the call before steps[0]; expected it after the last step",
    )


def test_a_call_that_takes_too_long_is_a_problem() -> None:
    made = Made()
    made.event("ended", 0, by="caller", goto="")
    (problem,) = made.conversation().problems
    assert problem.startswith("found no end of steps[0] after 120 s, which is limitSeconds")


def test_a_turn_that_was_given_up_before_it_had_words_is_none() -> None:
    made = interrupted_call()
    made.turn(4, 2500, "")
    made.played(2600, "", "never said")
    assert [turn.step for turn in made.conversation().bot] == [GREETING, 0, 1]
    made.turn(5, 2700, "")
    made.played(2800, "")
    assert [turn.step for turn in made.conversation().bot] == [GREETING, 0, 1]
