"""Runs of several scenarios: who waits for whom, and what one that fails does to the others."""

import asyncio
from pathlib import Path

from interject_lab.evaluation.run import StartGate, run_in_text
from interject_lab.evaluation.scenario_files import ScenarioFile
from lab.evaluation.scenarios import agent, scenario


async def test_calls_begin_when_the_last_pod_has_started_or_failed() -> None:
    gate = StartGate(2)
    gate.arrived()
    waiting = asyncio.create_task(gate.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.arrived()
    async with asyncio.timeout(1):
        await waiting


async def test_a_scenario_without_its_secret_fails_alone() -> None:
    steps = {"say": "When are you open?"}
    expect = {"says": ["nine to six"]}
    good = scenario(steps, name="good", expect=expect)
    keyless = scenario(steps, name="keyless", expect=expect, model=None)
    files = [ScenarioFile(each, Path(), agent(), Path()) for each in (keyless, good)]
    lines: list[str] = []
    failed, passed = await run_in_text(files, 1, lines.append)
    assert (failed.passed, passed.passed) == (False, True)
    (failure,) = failed.failures
    assert failure.path == "agent"
    assert "NO_SUCH_KEY" in failure.text
    assert [line.rpartition(",")[0] for line in lines] == [
        "keyless: failed, 1 expectations",
        "good: passed",
    ]
