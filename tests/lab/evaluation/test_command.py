"""`interject eval` as people type it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from interject_lab.evaluation.command import evaluate
from lab.evaluation.scenarios import EXAMPLES
from media_pod.errors import SetupError
from media_pod.manifest.validation import SpecError

SCENARIO = """
name: hours
steps:
  - say: When are you open?
    expect: {says: [HOURS]}
model:
  firstTokenMs: 0
  tokenMs: 0
  rules: [{say: From nine to six.}]
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(evaluate, [str(each) for each in arguments])


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    path = tmp_path / "hours.yaml"
    path.write_text(SCENARIO.replace("HOURS", "nine to six"))
    return path


AGENT = EXAMPLES[0].parents[1] / "receptionist.yaml"


def test_the_examples_pass_in_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES[0].parents[2])
    junit = tmp_path / "junit.xml"
    done = run("--text", "--junit", junit, *EXAMPLES)
    assert done.exit_code == 0, done.output
    suite = ElementTree.parse(junit).getroot()
    assert {case.get("name") for case in suite} == {path.stem for path in EXAMPLES}
    assert "| passed |" in done.output


def test_a_scenario_that_fails_is_exit_code_1(hours: Path) -> None:
    assert run("--text", "--agent", AGENT, hours).exit_code == 0
    hours.write_text(SCENARIO.replace("HOURS", "ten"))
    done = run("--text", "--agent", AGENT, hours)
    assert done.exit_code == 1
    line = "hours: steps[0].expect.says[0]: found 'From nine to six.'; expected a text with 'ten'"
    assert line in done.output


def test_a_document_that_is_not_valid_stops_it_before_anything_starts(hours: Path) -> None:
    hours.write_text("name: hours\n")
    assert isinstance(run("--text", "--agent", AGENT, hours).exception, SpecError)
    assert isinstance(run("--text", hours.with_name("none.yaml")).exception, SetupError)


@pytest.mark.parametrize(
    "option", [["--report", "r.html"], ["--stt", "agent"], ["--tts", "espeak"], ["--voice", "v"]]
)
def test_what_is_for_calls_is_refused_in_text(hours: Path, option: list[str]) -> None:
    done = run("--text", *option, hours)
    assert done.exit_code == 2
    assert "omit --text" in done.output


def test_a_file_that_cannot_be_written_is_named(hours: Path, tmp_path: Path) -> None:
    done = run("--text", "--agent", AGENT, "--junit", tmp_path / "no" / "junit.xml", hours)
    assert isinstance(done.exception, SetupError)
    assert "give another file" in str(done.exception)
