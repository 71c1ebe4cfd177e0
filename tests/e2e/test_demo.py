"""The demonstration, as long as a newcomer sees it: three pods, three calls, one table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DEADLINE_S = 180
TRIES = 3
INTERJECT = Path(sys.executable).with_name("interject")


def undisturbed_run(*options: str) -> str:
    """What the demonstration prints. It runs in real time: one that says that the machine was too
    busy shows the machine and not Interject, and is made again."""
    for _ in range(TRIES):
        command = [str(INTERJECT), "demo", *options]
        run = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
        assert run.returncode == 0, run.stderr
        if "too busy" not in run.stderr:
            return run.stdout
    pytest.skip(f"this machine was too busy {TRIES} times in a row: {run.stderr.strip()[-200:]}")


@pytest.mark.slow
@pytest.mark.timeout(TRIES * DEADLINE_S + 20)
def test_interject_hears_every_interruption_and_nothing_else(tmp_path: Path) -> None:
    document = json.loads(undisturbed_run("--json", "--out", str(tmp_path)))
    calls = {call["name"]: call for call in document["calls"]}
    ours, naive, deaf = calls["interject"], calls["naive"], calls["half-duplex"]
    assert ours["interruptions"] > 0
    assert (ours["false_barge_ins"], ours["missed"]) == (0, 0)
    assert naive["false_barge_ins"] > 0, "the line is too kind"
    assert deaf["missed"] == deaf["interruptions"] > 0
    report = Path(document["report"])
    assert report.is_relative_to(tmp_path)
    assert report.read_text().startswith("<!doctype html>")
