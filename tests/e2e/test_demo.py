"""The demonstration, as long as a newcomer sees it: three pods, three calls, one table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from real_time.retry import again_if_stalled
from real_time.verdict import TRIES

DEADLINE_S = 180
INTERJECT = Path(sys.executable).with_name("interject")


@pytest.mark.slow
@pytest.mark.timeout(TRIES * DEADLINE_S + 20)
def test_interject_hears_every_interruption_and_nothing_else(tmp_path: Path) -> None:
    again_if_stalled(lambda: _run(tmp_path))


def _run(folder: Path) -> None:
    command = [str(INTERJECT), "demo", "--json", "--out", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    calls = {call["name"]: call for call in document["calls"]}
    ours, naive, deaf = calls["interject"], calls["naive"], calls["half-duplex"]
    assert ours["interruptions"] > 0
    assert (ours["false_barge_ins"], ours["missed"]) == (0, 0)
    assert naive["false_barge_ins"] > 0, "the line is too kind"
    assert deaf["missed"] == deaf["interruptions"] > 0
    report = Path(document["report"])
    assert report.is_relative_to(folder)
    assert report.read_text().startswith("<!doctype html>")
