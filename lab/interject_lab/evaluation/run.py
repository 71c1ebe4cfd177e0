"""Runs scenarios, several at a time, and judges them."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from interject_lab.evaluation.calls.call_run import (
    CallPlaces,
    ScenarioCallResult,
    Voices,
    converse_by_call,
)
from interject_lab.evaluation.conversation import SeenConversation
from interject_lab.evaluation.judge import EvalFinding, judge
from interject_lab.evaluation.scenario.document import Scenario
from interject_lab.evaluation.scenario_files import ScenarioFile
from interject_lab.evaluation.text_run import converse_in_text
from media_pod.errors import InterjectError
from media_pod.manifest.agent import VoiceAgent

LATE_TICKS_THAT_SHOW: Final = 10
"""0.2 s of a call; fewer change no figure."""
LATE_TICKS_THAT_SPOIL: Final = 50
"""1 s: such a call measures the machine, so it is repeated once."""

SttChoice = Literal["agent", "scripted"]
TtsChoice = Literal["agent", "espeak"]
OnStep = Callable[[str], None]
OnElapsed = Callable[[float], None]


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioOutcome:
    """What became of one scenario."""

    scenario: Scenario
    agent: str
    """Name of the agent."""
    findings: tuple[EvalFinding, ...]
    duration_s: float
    conversation: SeenConversation | None
    """None if it did not come about."""
    call: ScenarioCallResult | None = None
    """None in text."""
    scripted_stt: bool = False
    """The recognizer was the stand-in that knows the caller's words."""

    @property
    def passed(self) -> bool:
        """All expectations were met."""
        return self.conversation is not None and not self.failures

    @property
    def failures(self) -> tuple[EvalFinding, ...]:
        """The expectations that were not."""
        return tuple(finding for finding in self.findings if not finding.passed)


async def run_in_text(
    files: Sequence[ScenarioFile], jobs: int, on_step: OnStep
) -> list[ScenarioOutcome]:
    """Run the scenarios in text.

    Args:
        files: the scenarios.
        jobs: how many at a time.
        on_step: receives a line for each that ends.
    """
    free = asyncio.Semaphore(jobs)

    async def one(file: ScenarioFile) -> ScenarioOutcome:
        async with free:
            began_s = time.monotonic()
            try:
                seen = await converse_in_text(
                    file.scenario, file.agent, file.agent_folder, os.environ
                )
            except InterjectError as error:
                made = _failed(file, error, began_s)
            else:
                phrases = file.agent.spec.phrases
                found = judge(file.scenario, seen, phrases, in_text=True)
                made = ScenarioOutcome(
                    file.scenario,
                    file.agent.metadata.name,
                    found,
                    time.monotonic() - began_s,
                    seen,
                )
            on_step(_line(made))
            return made

    return await asyncio.gather(*map(one, files))


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How the calls of a run are made."""

    jobs: int
    """How many at a time."""
    stt: SttChoice | None
    """None: scripted where the agent has the built-in digit grammar."""
    tts: TtsChoice
    voice: Path | None
    """A Piper voice of the callers; None for espeak-ng."""


async def run_by_call(
    files: Sequence[ScenarioFile], options: CallOptions, on_step: OnStep, on_elapsed: OnElapsed
) -> list[ScenarioOutcome]:
    """Run the scenarios as calls in real time, in batches.

    The pods of a batch start before its first call: the start of another would disturb it.

    Args:
        files: the scenarios.
        options: how.
        on_step: receives a line for each step of the work.
        on_elapsed: receives the duration of a batch's calls so far, in s, once a second.
    """
    outcomes = []
    for begin in range(0, len(files), options.jobs):
        batch = files[begin : begin + options.jobs]
        made = await _batch(batch, options, on_step, on_elapsed)
        if late := [
            file
            for file, outcome in zip(batch, made, strict=True)
            if outcome.call is not None and outcome.call.late_ticks > LATE_TICKS_THAT_SPOIL
        ]:
            on_step("this machine stalled: repeating " + ", ".join(f.scenario.name for f in late))
            again = iter(await _batch(late, options, on_step, on_elapsed))
            made = [next(again) if f in late else m for f, m in zip(batch, made, strict=True)]
        outcomes += made
    return outcomes


class StartGate:
    """Holds calls back until all pods of a batch have started, or have failed to."""

    def __init__(self, pods: int) -> None:
        self._left = pods
        self._open = asyncio.Event()

    def arrived(self) -> None:
        """One more has started or failed."""
        self._left -= 1
        if self._left == 0:
            self._open.set()

    async def wait(self) -> None:
        """Until all have."""
        await self._open.wait()


async def _batch(
    files: Sequence[ScenarioFile], options: CallOptions, on_step: OnStep, on_elapsed: OnElapsed
) -> list[ScenarioOutcome]:
    names = ", ".join(file.scenario.name for file in files)
    on_step(f"starting {len(files)} pods: {names}")
    gate = StartGate(len(files))
    longest_s = 0.0

    def elapsed(seconds: float) -> None:
        nonlocal longest_s
        if seconds > longest_s:
            longest_s = seconds
            on_elapsed(seconds)

    with tempfile.TemporaryDirectory(prefix="interject-eval-") as work:
        async with asyncio.TaskGroup() as group:
            calls = [
                group.create_task(_call(file, options, Path(work), gate, on_step, elapsed))
                for file in files
            ]
    return [call.result() for call in calls]


async def _call(
    file: ScenarioFile,
    options: CallOptions,
    work: Path,
    gate: StartGate,
    on_step: OnStep,
    on_elapsed: OnElapsed,
) -> ScenarioOutcome:
    scenario, agent = file.scenario, file.agent
    voices = _voices(agent, options)
    own = work / scenario.name
    await asyncio.to_thread(own.mkdir)
    began_s, arrived = time.monotonic(), False

    async def ready() -> None:
        nonlocal began_s, arrived
        arrived = True
        gate.arrived()
        await gate.wait()
        began_s = time.monotonic()

    try:
        call = await converse_by_call(
            scenario,
            agent,
            CallPlaces(file.agent_folder, file.folder, own),
            voices,
            ready,
            on_elapsed,
        )
    except InterjectError as error:
        made = _failed(file, error, began_s)
    else:
        made = _judged(file, call, voices)
    finally:
        if not arrived:
            gate.arrived()
    on_step(_line(made))
    return made


def _judged(file: ScenarioFile, call: ScenarioCallResult, voices: Voices) -> ScenarioOutcome:
    scenario, spec = file.scenario, file.agent.spec
    return ScenarioOutcome(
        scenario,
        file.agent.metadata.name,
        judge(scenario, call.conversation, spec.phrases, in_text=False),
        call.record.duration_s,
        call.conversation,
        call,
        voices.stand_in_recognizer,
    )


def _voices(agent: VoiceAgent, options: CallOptions) -> Voices:
    scripted = options.stt == "scripted"
    if options.stt is None:
        scripted = agent.spec.stt.kind == "pocketsphinx"
    return Voices(options.voice, options.tts == "espeak", scripted)


def _failed(file: ScenarioFile, error: InterjectError, began_s: float) -> ScenarioOutcome:
    """The scenario did not come about."""
    finding = EvalFinding("agent", f"found a failure: {error}; expected a conversation")
    name, duration_s = file.agent.metadata.name, time.monotonic() - began_s
    return ScenarioOutcome(file.scenario, name, (finding,), duration_s, None)


def _line(outcome: ScenarioOutcome) -> str:
    verdict = "passed" if outcome.passed else f"failed, {len(outcome.failures)} expectations"
    return f"{outcome.scenario.name}: {verdict}, {outcome.duration_s:.0f} s"
