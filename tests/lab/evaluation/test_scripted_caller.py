"""The caller of a scenario, tick by tick."""

from typing import Any

import numpy as np

from interject_lab.evaluation.calls.call_log import CallLog
from interject_lab.evaluation.calls.caller_voice import CallerSpeech
from interject_lab.evaluation.calls.scripted_caller import ANSWER_S, KEY_MS, ScriptedCaller
from interject_lab.evaluation.stand_ins.spoken_words import CallerWords
from lab.conftest import make_talk
from lab.evaluation.scenarios import scenario
from media_pod.providers.ports import Word

RATE_HZ = 8000
SPEECH = CallerSpeech(
    "Yes, please.", make_talk(0.5), (Word("Yes,", 0, 1600), Word("please.", 1600, 4000))
)
SPOKEN_TICKS = 25


class ScriptedLine:
    """A caller of these steps, and the bot that the test plays."""

    def __init__(self, *steps: dict[str, Any]) -> None:
        made = scenario(*steps)
        speech = {at: SPEECH for at, step in enumerate(made.steps) if step.text}
        self.log, self.words = CallLog(), CallerWords()
        self.caller = ScriptedCaller(made.steps, speech, RATE_HZ, self.log, self.words)
        self.turns = 0

    def tick(self, ticks: int = 1, *, bot: bool = False) -> str:
        """So many ticks: s for each in which the caller speaks, a key, or "-"."""
        seen = ""
        for _ in range(ticks):
            frame = self.caller.step(bot)
            seen += self.caller.keys or ("s" if frame.any() else "-")
        return seen

    def ms(self, duration_ms: int, *, bot: bool = False) -> str:
        return self.tick(duration_ms // 20, bot=bot)

    def over(self) -> bool:
        return self.caller.hangs_up

    def bot_begins(self, words: int = 0) -> None:
        self.turns += 1
        self.log.take({"event": "turn", "number": self.turns, "at_ns": 0})
        self.log.take({"event": "words", "count": words})

    def bot_ends(self, heard: str = "Hello there.") -> None:
        played = {"event": "played", "heard": heard, "unheard": "", "cut": False, "at_ns": 0}
        self.log.take(played)

    def bot_speaks(self, ms: int = 400) -> str:
        """One turn, and the silence after it in which nobody speaks yet."""
        self.bot_begins()
        said = self.ms(ms, bot=True)
        self.bot_ends()
        return said + self.ms(300)


def test_it_speaks_when_the_bot_has_finished_and_the_line_is_silent() -> None:
    line = ScriptedLine({"say": "Yes, please."})
    assert set(line.bot_speaks()) == {"-"}
    assert line.tick(SPOKEN_TICKS + 1) == "-" + "s" * SPOKEN_TICKS
    assert [spoken.label for spoken in line.caller.spoken] == ["Yes, please."]
    assert not line.caller.spoken[0].interrupts


def test_a_bot_that_thinks_in_silence_has_not_finished() -> None:
    line = ScriptedLine({"say": "Yes, please."})
    line.bot_begins()
    assert "s" not in line.ms(400, bot=True) + line.ms(3000)
    line.bot_ends()
    assert line.tick() == "s"


def test_it_waits_for_the_answer_and_hangs_up_after_it() -> None:
    line = ScriptedLine({"say": "Yes, please."})
    line.bot_speaks()
    line.tick(SPOKEN_TICKS + 1)
    assert line.ms(5000).strip("-") == ""
    assert not line.over()
    line.bot_speaks()
    line.tick(2)
    assert line.over()
    assert (line.caller.problems, line.caller.steps_done) == ([], 1)


def test_after_a_wait_it_speaks_at_once_and_hangs_up_at_once() -> None:
    line = ScriptedLine({"wait": {"ms": 400}}, {"say": "Yes, please."}, {"wait": {"ms": 200}})
    line.bot_begins()
    assert line.ms(420, bot=True) == "-" * 21
    assert line.tick(1, bot=True) == "s"
    assert line.caller.spoken[0].interrupts
    line.tick(SPOKEN_TICKS - 1)
    line.ms(200)
    assert not line.over()
    line.tick(2)
    assert line.over()


def test_it_interrupts_after_so_many_words_while_the_bot_speaks() -> None:
    line = ScriptedLine({"interrupt": {"afterWords": 3, "say": "Yes, please."}})
    line.bot_begins(words=2)
    assert "s" not in line.tick(5, bot=True)
    line.log.take({"event": "words", "count": 3})
    assert line.tick() == "-"
    assert line.tick(1, bot=True) == "s"
    assert line.caller.turn_before == {0: 1}
    assert line.caller.spoken[0].interrupts


def test_a_turn_that_is_too_short_to_interrupt_ends_the_call() -> None:
    line = ScriptedLine({"interrupt": {"afterWords": 3, "say": "Yes, please."}})
    line.bot_speaks()
    line.tick(2)
    assert line.over()
    assert line.caller.problems == [
        "steps[0].interrupt.afterWords: found a turn of 2 words; expected more than 3"
    ]


def test_it_presses_keys_four_a_second() -> None:
    line = ScriptedLine({"key": "47#"})
    line.bot_speaks()
    gap = "-" * (KEY_MS // 20 - 1)
    assert line.tick(2 * len(gap) + 5) == f"-4{gap}7{gap}#-"
    assert line.caller.ended_ms[0] == (20 + 15 + 1 + 2 * KEY_MS // 20) * 20


def test_it_stays_silent_from_the_end_of_the_bots_turn_on() -> None:
    line = ScriptedLine({"silent": {"ms": 2000}}, {"say": "Yes, please."})
    line.bot_speaks()
    assert line.ms(1500).strip("-") == ""
    assert line.bot_speaks(ms=100).strip("-") == ""
    assert "s" in line.ms(500)
    assert line.caller.turn_before == {0: 1, 1: 2}


def test_a_bot_that_never_answers_is_a_problem() -> None:
    line = ScriptedLine({"say": "Yes, please."})
    line.bot_speaks()
    line.tick(SPOKEN_TICKS + 1)
    line.ms(round(ANSWER_S * 1000) - 20)
    assert not line.over()
    line.tick(2)
    assert line.over()
    assert "expected one after steps[0]" in line.caller.problems[0]


def test_its_words_are_known_when_they_end() -> None:
    line = ScriptedLine({"wait": {"ms": 0}}, {"say": "Yes, please."})
    line.tick(13)
    assert line.words.so_far(10.0) == "Yes,"
    line.tick(20)
    assert line.words.so_far(10.0) == "Yes, please."


def test_its_sound_is_the_speech_of_the_step() -> None:
    line = ScriptedLine({"wait": {"ms": 0}}, {"say": "Yes, please."})
    frames = [line.caller.step(False) for _ in range(SPOKEN_TICKS + 2)]
    said = np.concatenate(frames)
    start = int(np.flatnonzero(said)[0]) // 160 * 160
    np.testing.assert_array_equal(said[start : start + SPEECH.pcm.size], SPEECH.pcm)
