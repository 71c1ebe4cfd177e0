"""What becomes of each expectation."""

from typing import Any

import pytest

from interject_lab.evaluation.conversation import (
    GREETING,
    AnswerStages,
    BotTurn,
    CallerTurnSeen,
    Ending,
    SeenConversation,
    ToolUse,
)
from interject_lab.evaluation.judge import EvalFinding, is_part, judge
from lab.evaluation.scenarios import scenario
from media_pod.manifest.conversation import PhrasesSettings

PHRASES = PhrasesSettings()
HELLO = BotTurn(GREETING, "Hello.")
SAY = {"say": "When are you open?"}
OVER = {"interrupt": {"afterWords": 3, "say": "Stop."}}
FIND = ToolUse("find", '{"number": "4837", "deep": {"a": 1, "b": [2]}}', "found")
CUT = BotTurn(0, "We are open", "from nine to six", cut=True, heard_on_line="We are open")


def judged(
    *turns: BotTurn,
    expect: dict[str, Any] | None = None,
    of_step: dict[str, Any] | None = None,
    last: dict[str, Any] = SAY,
    in_text: bool = False,
    **seen: Any,
) -> tuple[EvalFinding, ...]:
    """The findings of a conversation of two steps; `of_step` is expected of the last one."""
    made = scenario(SAY, {**last, "expect": of_step or {}}, expect=expect or {})
    caller = (CallerTurnSeen(0, "When are you open?"), CallerTurnSeen(1, "", "12"))
    facts: dict[str, Any] = {"caller": caller, "ending": Ending.CALLER, **seen}
    return judge(made, SeenConversation((HELLO, *turns), **facts), PHRASES, in_text=in_text)


def passed(findings: tuple[EvalFinding, ...]) -> list[bool]:
    return [finding.passed for finding in findings]


def test_nothing_is_expected_and_nothing_is_found() -> None:
    assert judged() == ()


def test_words_are_looked_for_in_the_answer_to_their_step() -> None:
    turns = (BotTurn(0, "We are open."), BotTurn(1, "From nine to six."))
    found = judged(*turns, of_step={"says": ["nine to six", "we are open"]})
    assert passed(found) == [True, False]
    assert found[1].path == "steps[1].expect.says[1]"
    assert found[1].text == "found 'From nine to six.'; expected a text with 'we are open'"


def test_words_that_were_not_heard_are_not_said_to_the_caller() -> None:
    turn = BotTurn(1, "We are open", unheard="from nine to six.", cut=True)
    assert passed(judged(turn, of_step={"says": ["nine"]})) == [False]
    assert passed(judged(turn, of_step={"saysNot": ["nine", "ten"]})) == [False, True]


def test_the_whole_conversation_has_the_greeting_too() -> None:
    assert passed(judged(expect={"says": ["hello"], "saysNot": ["hello"]})) == [True, False]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], [False]),
        ([{"name": "find"}], [True]),
        ([{"name": "find", "arguments": {"number": "4837", "deep": {"b": [2]}}}], [True]),
        ([{"name": "find", "arguments": {"number": "/^4/"}}], [True]),
        ([{"name": "find", "arguments": {"number": "48"}}], [False]),
        ([{"name": "find", "arguments": {"other": None}}], [False]),
        ([{"name": "find"}, {"name": "book"}], [True, True]),
        ([{"name": "book"}, {"name": "find"}], [True, False]),
        ([{"name": "find"}, {"name": "find"}], [True, False]),
    ],
)
def test_tool_calls_come_in_order_with_some_of_their_arguments(
    calls: list[dict[str, Any]], expected: list[bool]
) -> None:
    turn = BotTurn(1, "Done.", tools=(FIND, ToolUse("book", "")))
    assert passed(judged(turn, of_step={"calls": calls})) == expected


def test_no_tool_call_may_be_expected() -> None:
    assert passed(judged(BotTurn(1, "Done."), of_step={"calls": []})) == [True]


@pytest.mark.parametrize("arguments", ["{", "[]", '"text"'])
def test_arguments_that_are_no_object_match_none(arguments: str) -> None:
    calls = [{"name": "find", "arguments": {"number": "4837"}}]
    turn = BotTurn(1, "", tools=(ToolUse("find", arguments),))
    assert passed(judged(turn, of_step={"calls": calls})) == [False]


def test_a_part_of_json() -> None:
    assert is_part({"a": {}}, {"a": {"b": 1}, "c": 2})
    assert not is_part({"a": {"b": 1}}, {"a": 1})
    assert not is_part([1], [1, 2])


def test_the_last_heard_words_are_those_of_the_turn_that_was_cut() -> None:
    up_to = {"heardUpTo": "we are open"}
    assert passed(judged(CUT, of_step=up_to, last=OVER)) == [True, True]
    assert passed(judged(CUT, of_step={"heardUpTo": "nine"}, last=OVER)) == [False, True]


def test_a_call_may_have_a_few_more_words_and_text_may_not() -> None:
    more = BotTurn(0, "We are open from nine", "to six", cut=True)
    far = BotTurn(0, "We are open from nine to six, Monday", "to Saturday", cut=True)
    up_to = {"heardUpTo": "We are open"}
    assert passed(judged(more, of_step=up_to, last=OVER)) == [True]
    assert passed(judged(more, of_step=up_to, last=OVER, in_text=True)) == [False]
    assert passed(judged(far, of_step=up_to, last=OVER)) == [False]


@pytest.mark.parametrize(
    ("on_line", "agrees"), [("We are", True), ("We", False), ("We are open from nine", False)]
)
def test_the_agents_words_must_be_those_of_the_recording(on_line: str, agrees: bool) -> None:
    cut = BotTurn(0, "We are open", "from nine", cut=True, heard_on_line=on_line)
    found = judged(cut, of_step={"heardUpTo": "We are open"}, last=OVER)
    assert passed(found) == [True, agrees]


@pytest.mark.parametrize(
    ("told", "agrees"),
    [("We are open", True), ("we are open!", True), ("We are open from nine to six", False)],
)
def test_the_model_must_be_told_what_was_heard(told: str, agrees: bool) -> None:
    history = [{"role": "system", "content": "x"}, {"role": "assistant", "content": told}]
    up_to = {"heardUpTo": "We are open"}
    found = judged(CUT, of_step=up_to, last=OVER, requests=[history])
    assert passed(found) == [True, True, agrees]


def test_a_turn_that_was_not_cut_was_not_heard_up_to_anywhere() -> None:
    (found,) = judged(BotTurn(0, "We are open"), of_step={"heardUpTo": "open"}, last=OVER)
    assert not found.passed
    assert "no turn that was interrupted" in found.text


def test_the_slowest_answer_counts() -> None:
    turns = [
        BotTurn(n, "Yes.", stages=AnswerStages(first_audio_ms=ms)) for n, ms in ((0, 500), (1, 900))
    ]
    assert passed(judged(*turns, expect={"firstAudioMs": 900})) == [True]
    (found,) = judged(*turns, expect={"firstAudioMs": 800})
    assert found.text == "found 900 ms; expected at most 800 ms"
    assert passed(judged(BotTurn(1, "Yes."), of_step={"firstAudioMs": 800})) == [False]
    assert judged(*turns, expect={"firstAudioMs": 1}, in_text=True) == ()


def test_an_apology_is_one_of_the_agents_phrases() -> None:
    sorry = BotTurn(1, f"One moment. {PHRASES.apology}")
    assert passed(judged(sorry, of_step={"apology": True})) == [True]
    assert passed(judged(sorry, expect={"apology": False})) == [False]
    assert passed(judged(BotTurn(1, "Sorry!"), expect={"apology": False})) == [True]


def test_how_it_ended() -> None:
    expect: dict[str, Any] = {"ends": "transfer", "goto": "phones,601,1", "turns": 2}
    found = judged(expect=expect, ending=Ending.TRANSFER, goto="phones,601,1")
    assert passed(found) == [True, True, True]
    assert passed(judged(expect=expect | {"turns": 3})) == [False, False, False]


def test_a_problem_fails_the_scenario_and_comes_first() -> None:
    found = judged(expect={"turns": 2}, problems=("found a fault; expected none",))
    assert [(each.path, each.passed) for each in found] == [
        ("steps", False),
        ("expect.turns", True),
    ]
