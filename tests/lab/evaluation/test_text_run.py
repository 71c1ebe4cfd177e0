"""Scenarios in text, with a dialogue and a model server as they are."""

from pathlib import Path
from typing import Any

import pytest

from interject_lab.evaluation.conversation import GREETING, Ending, SeenConversation
from interject_lab.evaluation.text_run import converse_in_text
from lab.evaluation.scenarios import OPEN, agent, scenario
from media_pod.errors import SetupError
from media_pod.manifest.conversation import PhrasesSettings

GOODBYE = {"when": {"caller": "goodbye"}, "say": "Goodbye.", "calls": [{"name": "hang_up"}]}
HANG_UP = {"tools": [{"kind": "hangUp"}]}
ASK = {"say": "When are you open?"}


async def converse(*steps: dict[str, Any], spec: Any = None, **fields: Any) -> SeenConversation:
    return await converse_in_text(scenario(*steps, **fields), agent(**spec or {}), Path(), {})


async def test_the_bot_greets_and_answers_each_step() -> None:
    seen = await converse(ASK, {"say": "And on Sunday, are you open?"})
    assert [(turn.step, turn.heard) for turn in seen.bot] == [
        (GREETING, "Hello."),
        (0, "We are open from nine to six. Anything else?"),
        (1, "We are open from nine to six. Anything else?"),
    ]
    assert [turn.text for turn in seen.caller] == [
        "When are you open?",
        "And on Sunday, are you open?",
    ]
    assert (seen.ending, seen.problems) == (Ending.CALLER, ())
    assert seen.bot[0].stages.first_clause_ms is None
    assert seen.bot[1].stages.first_clause_ms is not None


async def test_an_interruption_reaches_the_model_as_heard() -> None:
    seen = await converse(ASK, {"interrupt": {"afterWords": 4, "say": "Still open on Monday?"}})
    assert seen.bot[1].heard == "We are open from"
    assert seen.bot[1].unheard == "nine to six. Anything else?"
    assert seen.cut_by(1) == seen.bot[1]
    told = [message["content"] for message in seen.requests[-1] if message["role"] == "assistant"]
    assert told == ["Hello.", "We are open from"]


async def test_too_short_a_turn_cannot_be_interrupted() -> None:
    seen = await converse({"interrupt": {"afterWords": 1, "say": "Stop."}}, ASK)
    assert seen.problems == (
        "steps[0].interrupt.afterWords: found a turn of 1 words; expected more than 1",
        "found the end of the call before steps[1]; expected it after the last step",
    )


async def test_keys_reach_the_agent_without_the_one_that_ends_them() -> None:
    rules = [{"when": {"caller": "[keyed: 47*1]"}, "say": "Thank you."}]
    seen = await converse({"key": "47*1#"}, model={"rules": rules})
    assert (seen.caller[0].digits, seen.bot[-1].heard) == ("47*1", "Thank you.")


async def test_silence_is_one_turn_for_each_timeout_of_the_agent() -> None:
    spec = {"turn": {"noInputMs": 2000}}
    seen = await converse({"silent": {"ms": 5000}}, spec=spec)
    assert [turn.heard for turn in seen.bot[1:]] == ["Are you still there?"] * 2
    assert [turn.text for turn in seen.caller] == ["", ""]


async def test_the_bot_hangs_up_and_no_step_is_left() -> None:
    seen = await converse({"say": "Goodbye."}, spec=HANG_UP, model={"rules": [GOODBYE]})
    assert (seen.ending, seen.problems) == (Ending.HANG_UP, ())
    assert [use.name for use in seen.tools] == ["hang_up"]


async def test_a_step_after_the_end_is_a_problem() -> None:
    seen = await converse({"say": "Goodbye."}, ASK, spec=HANG_UP, model={"rules": [GOODBYE, *OPEN]})
    assert "found the end of the call before steps[1]" in seen.problems[0]


async def test_a_goodbye_that_is_interrupted_does_not_end_the_call() -> None:
    farewell = GOODBYE | {"say": "Goodbye, and thank you for your call."}
    steps = ({"say": "Goodbye."}, {"interrupt": {"afterWords": 2, "say": "Wait, open on Monday?"}})
    seen = await converse(*steps, spec=HANG_UP, model={"rules": [farewell, *OPEN]})
    assert (seen.ending, seen.problems) == (Ending.CALLER, ())


async def test_a_transfer_says_where_to() -> None:
    call = {"name": "transfer", "arguments": {"place": "sales"}}
    spec = {
        "tools": [{"kind": "transfer", "places": ["sales"]}],
        "telephony": {"transfers": [{"name": "sales", "goto": "phones,601,1"}]},
    }
    seen = await converse(ASK, spec=spec, model={"rules": [{"say": "Bye.", "calls": [call]}]})
    assert (seen.ending, seen.goto) == (Ending.TRANSFER, "phones,601,1")


async def test_http_tools_reach_the_stand_in_and_not_their_server() -> None:
    tool = {
        "kind": "http",
        "name": "find",
        "description": "Finds.",
        "method": "GET",
        "url": "https://parcels.example/parcels/{number}?full=1",
        "parameters": {"type": "object", "properties": {"number": {"type": "string"}}},
        "headers": [{"name": "Authorization", "valueFrom": {"env": "NO_SUCH_TOKEN"}}],
    }
    rules = [
        {"when": {"result": "on its way"}, "say": "It is on its way."},
        {"when": {"result": "no answer for /parcels/2"}, "say": "There is none."},
        {"when": {"caller": "one"}, "calls": [{"name": "find", "arguments": {"number": "1"}}]},
        {"when": {"caller": "two"}, "calls": [{"name": "find", "arguments": {"number": "2"}}]},
    ]
    seen = await converse(
        {"say": "one"},
        {"say": "two"},
        spec={"tools": [tool]},
        model={"rules": rules},
        tools={"/parcels/1?full=1": {"state": "on its way"}},
    )
    assert [turn.heard for turn in seen.bot[1:]] == ["It is on its way.", "There is none."]
    assert [use.failed for use in seen.tools] == [False, True]


async def test_a_message_without_a_rule_is_a_problem_and_an_apology() -> None:
    seen = await converse({"say": "What is the moon?"})
    assert seen.problems[-1] == (
        "found no rule of model.rules for the user message 'What is the moon?'; expected one"
    )
    assert seen.bot[-1].heard == PhrasesSettings().apology


async def test_a_missing_secret_is_told() -> None:
    with pytest.raises(SetupError, match="NO_SUCH_KEY"):
        await converse(ASK, model=None)
