"""The scenario document: what is valid, and what a person is told of what is not."""

from pathlib import Path
from typing import Any

import pytest

from interject_lab.evaluation.scenario.document import load_scenario, read_scenario
from interject_lab.evaluation.scenario_files import read_scenarios
from lab.evaluation.scenarios import EXAMPLES
from media_pod.errors import SetupError
from media_pod.manifest.validation import SpecError

SAY = {"say": "Hello."}


def problems(*steps: dict[str, Any], **fields: Any) -> tuple[str, ...]:
    """What is wrong with a scenario of these steps; fails if nothing is."""
    with pytest.raises(SpecError) as raised:
        load_scenario({"name": "test", "steps": list(steps), **fields}, "test.yaml")
    return raised.value.problems


def test_the_least_scenario_is_a_name_and_a_step() -> None:
    made = load_scenario({"name": "test", "steps": [SAY]}, "test.yaml")
    assert made.steps[0].text == "Hello."
    assert (made.line.erl_db, made.model, made.tools, made.expect.calls) == (None, None, None, None)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_and_names_its_agent(path: Path) -> None:
    (file,) = read_scenarios([path], None)
    assert file.scenario.name == path.stem
    assert (file.agent_folder / f"{file.agent.metadata.name}.yaml").is_file()


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ({}, "found none"),
        ({"say": "a", "key": "1"}, "found say and key"),
        ({"wait": {"ms": 5}, "untilBotSilent": True}, "found wait and untilBotSilent"),
    ],
)
def test_a_step_has_one_act(step: dict[str, Any], found: str) -> None:
    (problem,) = problems(step)
    assert problem.startswith(f"steps[0]: {found}; allowed: exactly one of say, wait, interrupt")


def test_a_misspelt_act_is_recognized() -> None:
    assert "did you mean interrupt?" in problems({"interupt": {"afterWords": 1, "say": "a"}})[0]


def test_keys_without_quotes_are_explained() -> None:
    (problem,) = problems({"key": 4712})
    assert problem.startswith("steps[0].key: found 4712; allowed: 1 to 64 of the keys")
    assert "put it in quotes" in problem


def test_a_regular_expression_that_is_none_is_found() -> None:
    (problem,) = problems({**SAY, "expect": {"says": ["/nine(/"]}})
    assert problem.startswith("steps[0].expect.says[0]: found /nine(/")


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({**SAY, "expect": {"heardUpTo": "x"}}, "found expect.heardUpTo without interrupt"),
        ({"key": "1", "recording": "a.wav"}, "found recording without say"),
        ({**SAY, "expect": {"ends": "hangUp"}}, "unknown key"),
    ],
)
def test_what_does_not_fit_a_step_is_found(step: dict[str, Any], problem: str) -> None:
    assert problem in problems(step)[0]


def test_several_problems_are_told_at_once() -> None:
    found = problems({"wait": {"ms": -1}}, SAY, expect={"ends": "bye"}, model={"rules": []})
    assert [problem.partition(":")[0] for problem in found] == [
        "steps[0].wait.ms",
        "expect.ends",
        "model.rules",
    ]


def test_a_file_with_two_documents_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text("name: a\n---\nname: b\n")
    with pytest.raises(SpecError, match="put each scenario in its own file"):
        read_scenario(path)


def test_a_scenario_without_an_agent_needs_one(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nsteps: [{say: Hello.}]\n")
    with pytest.raises(SetupError, match=r"a\.yaml: agent: missing; add it, or give --agent FILE"):
        read_scenarios([path], None)
    (file,) = read_scenarios([path], EXAMPLES[0].parents[1] / "survey.yaml")
    assert file.agent.metadata.name == "survey"


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="each name once"):
        read_scenarios([EXAMPLES[0], EXAMPLES[0]], None)
