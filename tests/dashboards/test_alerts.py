"""Alerts fire when they should and only then, tested with promtool."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_cases import CASES as CASES_OF_CALLS
from alert_cases_operator import CASES as CASES_OF_OPERATOR

from observability.alerts import ALERTS, to_yaml
from rig.fixtures import prometheus

__all__ = ["prometheus"]
ROOT = Path(__file__).resolve().parents[2]
TOOL_S = 30.0
CASES = [*CASES_OF_CALLS, *CASES_OF_OPERATOR]

pytestmark = pytest.mark.chart


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "alerts.yaml"
    path.write_text(to_yaml())
    return path


def promtool(prometheus: Path, *arguments: str) -> None:
    done = subprocess.run(
        [prometheus / "promtool", *arguments],
        capture_output=True, text=True, check=False, timeout=TOOL_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def rule_tests(prometheus: Path, rules: Path, tests: list[dict[str, Any]]) -> None:
    file = rules.with_name("tests.yaml")
    document = {"rule_files": [rules.name], "evaluation_interval": "30s", "tests": tests}
    file.write_text(yaml.safe_dump(document))
    promtool(prometheus, "test", "rules", str(file))


def test_the_rules_are_well_formed(prometheus: Path, rules: Path) -> None:
    promtool(prometheus, "check", "rules", "--lint-fatal", str(rules))


def test_alerts_fire_only_when_they_should(prometheus: Path, rules: Path) -> None:
    rule_tests(prometheus, rules, [case.test for case in CASES])


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: Any) -> None:
    outcomes = {bool(case.fires) for case in CASES if case.alert == alert.name}
    assert outcomes == {True, False}


def test_the_text_of_an_alert_names_agent_and_provider(prometheus: Path, rules: Path) -> None:
    story = next(case for case in CASES if case.alert == "InterjectProviderFailing" and case.fires)
    labels = {"alertname": story.alert, "severity": "critical"} | story.fires[0]
    annotations = {
        "summary": "tts provider espeak of agent voice/desk is failing",
        "description": "20% of its requests in the last 5 minutes failed or timed out. "
        "Its fallbacks take over; without one, a call ends after two failures in a row.",
        "runbook_url": "docs/runbooks/InterjectProviderFailing.md",
    }
    expected = {
        "eval_time": story.at,
        "alertname": story.alert,
        "exp_alerts": [
            {
                "exp_labels": {k: v for k, v in labels.items() if k != "alertname"},
                "exp_annotations": annotations,
            }
        ],
    }
    test = {"interval": "30s", "input_series": story.input, "alert_rule_test": [expected]}
    rule_tests(prometheus, rules, [test])


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_each_alert_has_a_runbook_of_all_its_parts(alert: Any) -> None:
    text = (ROOT / "docs" / "runbooks" / f"{alert.name}.md").read_text()
    parts = ("## Impact on callers", "## Diagnosis", "## Remedy")
    assert text.startswith(f"# {alert.name}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == list(parts)


def test_no_runbook_is_left_over() -> None:
    there = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert there == {alert.name for alert in ALERTS}
