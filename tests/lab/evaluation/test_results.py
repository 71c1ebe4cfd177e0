"""Tables, failures and JUnit XML of a run."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import cast

from interject_lab.call_record import CallRecord
from interject_lab.evaluation.calls.call_run import ScenarioCallResult
from interject_lab.evaluation.conversation import (
    GREETING,
    AnswerStages,
    BotTurn,
    CallerTurnSeen,
    Ending,
    SeenConversation,
    ToolUse,
)
from interject_lab.evaluation.judge import EvalFinding
from interject_lab.evaluation.results import (
    as_junit,
    busy_line,
    failure_lines,
    scenario_table,
    stage_table,
    transcript_lines,
)
from interject_lab.evaluation.run import ScenarioOutcome
from interject_lab.recorder.recorder import Recording
from lab.evaluation.scenarios import scenario

ANSWERED = BotTurn(
    0,
    "It is on",
    "its way.",
    cut=True,
    tools=(ToolUse("find", "{}", "on <its> way"),),
    stages=AnswerStages(turn_end_ms=500, first_audio_ms=800),
    heard_on_line="It is",
)
SEEN = SeenConversation(
    (BotTurn(GREETING, "Hello.", heard_on_line="Hello. a b c"), ANSWERED),
    (CallerTurnSeen(0, "Where is it?\x00"), CallerTurnSeen(1, "", "12")),
    Ending.CALLER,
)
PASSED = ScenarioOutcome(
    scenario({"say": "a"}, name="good"), "desk", (EvalFinding("expect", "x", True),), 12.3, SEEN
)
FAILED = ScenarioOutcome(
    scenario({"say": "a"}, name="bad"),
    "desk",
    (EvalFinding("expect.ends", "found caller; expected <hangUp>"), *PASSED.findings),
    2.0,
    replace(SEEN, bot=(replace(ANSWERED, stages=AnswerStages(first_audio_ms=1000)),)),
)
BROKEN = ScenarioOutcome(
    scenario({"say": "a"}, name="broken"), "desk", (EvalFinding("agent", "no key"),), 0.0, None
)


def test_a_row_for_each_scenario() -> None:
    header, rows = scenario_table([PASSED, FAILED, BROKEN])
    assert len(header) == len(rows[0])
    assert rows == [
        ("good", "passed", "1 of 1", "800 / 800 ms", "1", "12 s"),
        ("bad", "FAILED", "1 of 2", "1000 / 1000 ms", "1", "2 s"),
        ("broken", "FAILED", "0 of 1", "-", "-", "0 s"),
    ]


def test_stages_are_over_all_scenarios_and_only_those_that_were_measured() -> None:
    _, rows = stage_table([PASSED, FAILED, BROKEN])
    assert rows == [
        ("turn end", "500 ms", "500 ms", "1"),
        ("first audio", "900 ms", "990 ms", "2"),
    ]


def test_a_failure_names_its_scenario_and_path() -> None:
    assert failure_lines([PASSED, FAILED]) == ["bad: expect.ends: found caller; expected <hangUp>"]


def test_a_machine_that_was_too_busy_is_told() -> None:
    def with_late(ticks: int) -> ScenarioOutcome:
        sound = cast(CallRecord, None), cast(Recording, None)
        return replace(PASSED, call=ScenarioCallResult(SEEN, *sound, ticks))

    assert busy_line([PASSED, with_late(10)]) == ""
    assert "a pod missed 11 ticks of 20 ms" in busy_line([with_late(11), with_late(3)])


def test_a_transcript_has_words_keys_tools_and_what_was_not_heard() -> None:
    assert transcript_lines(SEEN) == [
        "bot: Hello.",
        "caller: Where is it?\x00",
        "tool: find({}) -> on <its> way",
        "bot: It is on [not heard: its way.]",
        "caller:  [keyed: 12]",
    ]


def test_junit_counts_and_escapes() -> None:
    suite = ET.fromstring(as_junit([PASSED, FAILED, BROKEN]))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    good, bad, broken = suite.findall("testcase")
    assert (good.get("classname"), good.get("name"), good.get("time")) == ("desk", "good", "12.300")
    assert good.find("failure") is None
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "1 of 2 expectations not met"
    assert failure.text == "bad: expect.ends: found caller; expected <hangUp>"
    assert broken.find("failure") is not None
    assert "Where is it?\ufffd" in (good.findtext("system-out") or "")
