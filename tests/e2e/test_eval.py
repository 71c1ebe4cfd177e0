"""`interject eval` in real time: pods, lines and telephones as they are."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from real_time.retry import again_if_stalled
from real_time.verdict import TRIES

ROOT = Path(__file__).resolve().parents[2]
EVAL = (sys.executable, "-c", "from interject_lab.evaluation.command import evaluate; evaluate()")
SHORT_S, LONG_S = 50, 150
AGENT = """
apiVersion: interject.dev/v1alpha1
kind: VoiceAgent
metadata: {name: hours}
spec:
  instructions: Answer.
  greeting: {text: Hello., interruptible: always}
  llm: {kind: openai, model: any}
  tools: [{kind: hangUp}]
"""
SCENARIO = """
name: hours
agent: agent.yaml
line: {erlDb: 20, delayMs: 150}
steps:
  - say: When are you open?
  - interrupt: {afterWords: 4, say: "Thank you, goodbye!"}
    expect:
      heardUpTo: open from nine
      calls: [{name: hang_up}]
      says: [Goodbye]
expect: {ends: hangUp, turns: 2, firstAudioMs: 2500, apology: false}
model:
  rules:
    - when: {caller: goodbye}
      say: Goodbye.
      calls: [{name: hang_up}]
    - say: Open from nine to six from Monday to Friday, and from ten to four on Saturdays.
"""


def evaluate(*arguments: str | Path, seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EVAL, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, cwd=ROOT
    )


@pytest.mark.timeout(TRIES * SHORT_S + 20)
def test_a_call_is_judged_by_its_recording(tmp_path: Path) -> None:
    again_if_stalled(lambda: _interrupted_call(tmp_path))


def _interrupted_call(folder: Path) -> None:
    (folder / "agent.yaml").write_text(AGENT)
    scenario, report = folder / "hours.yaml", folder / "report.html"
    scenario.write_text(SCENARIO)
    done = evaluate(scenario, "--report", report, seconds=SHORT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recognized by a stand-in that knows the words: hours" in done.stdout
    page = report.read_text()
    assert page.count("data:audio/wav") == page.count("data:image/png") == 1
    assert "what the recording has, to within a word" in page


def test_a_pod_that_does_not_start_fails_its_scenario_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(AGENT)
    scenario = tmp_path / "hours.yaml"
    scenario.write_text(SCENARIO.partition("model:")[0])
    agent = (
        (tmp_path / "agent.yaml").read_text().replace("any}", "any, apiKey: {env: NO_SUCH_KEY}}")
    )
    (tmp_path / "agent.yaml").write_text(agent)
    done = evaluate(scenario, seconds=SHORT_S)
    assert done.returncode == 1, done.stderr
    assert "the pod did not start" in done.stdout
    assert "NO_SUCH_KEY" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(TRIES * LONG_S + 20)
def test_the_examples_pass_as_calls(tmp_path: Path) -> None:
    again_if_stalled(lambda: _examples(tmp_path / "junit.xml"))


def _examples(junit: Path) -> None:
    scenarios = sorted((ROOT / "examples" / "scenarios").glob("*.yaml"))
    options = ("--stt", "scripted", "--tts", "espeak", "--junit", junit)
    done = evaluate(*scenarios, *options, seconds=LONG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ElementTree.parse(junit).getroot().get("tests") == str(len(scenarios))
