"""A real pipecat pipeline behind a call: our interruptions, our pace, and a context of heard words.

The pipeline runs in real time, and so does the clock of these tests.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from call.doubles import INFO, Conversation
from media_pod.call.turn_machine import TurnState
from media_pod.dialogues.pipecat.dialogue import PipecatDialogue
from media_pod.dialogues.pipecat.process import PipecatProcess
from media_pod.duplex.contract import TICK_MS, Decision
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.providers.ports import ProviderError

HERE = Path(__file__).parent
RATE_HZ = 8000


def process(pipecat: Path, pipeline: str = "pipecat_pipeline:make") -> PipecatProcess:
    settings = PipecatSettings(kind="pipecat", pipeline=pipeline, python=str(pipecat))
    return PipecatProcess(settings, HERE, RATE_HZ, deadline_s=20.0)


class RealTimeCall(Conversation):
    """A call that is ticked by the wall clock."""

    def __init__(self, dialogue: PipecatDialogue) -> None:
        super().__init__()
        object.__setattr__(self.agents, "dialogue", lambda info, observer: dialogue)
        self._due_s = time.monotonic()

    async def pass_time(self, ms: int, decision: Decision = Decision.NONE) -> None:
        for _ in range(ms // TICK_MS):
            self.step(decision, 0.9 if decision is Decision.CALLER else 0.0)
            self._due_s = max(self._due_s, time.monotonic() - 1) + TICK_MS / 1000
            await asyncio.sleep(max(0.0, self._due_s - time.monotonic()))

    async def says_something(self) -> None:
        await self.pass_time(400, Decision.CALLER)
        await self.pass_time(740)

    async def until_now(self, true: Callable[[], object], most_ms: int = 20_000) -> None:
        for _ in range(most_ms // TICK_MS):
            if true():
                return
            await self.pass_time(TICK_MS)
        raise AssertionError("it did not happen")

    @property
    def said(self) -> list[tuple[str, str]]:
        """What the bot said: heard and unheard."""
        entries = self.call.transcript.entries
        return [(each.heard, each.unheard) for each in entries if each.speaker == "bot"]


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[Any]]]:
    """What the pipeline's model was shown, each time."""
    file = tmp_path / "contexts"
    file.touch()
    monkeypatch.setenv("CONTEXTS", str(file))
    return lambda: [json.loads(line) for line in file.read_text().splitlines()]


@asynccontextmanager
async def on_the_phone(pipecat: Path) -> AsyncIterator[RealTimeCall]:
    runs = process(pipecat)
    await runs.start()
    call = RealTimeCall(PipecatDialogue(runs, INFO))
    try:
        await call.begin()
        yield call
    finally:
        await call.end()
        await runs.aclose()


async def test_after_an_interruption_the_context_ends_with_exactly_the_heard_words(
    pipecat: Path, contexts: Callable[[], list[list[Any]]]
) -> None:
    async with on_the_phone(pipecat) as call:
        await call.pass_time(500)
        await call.says_something()
        await call.until_now(lambda: call.now_is(TurnState.SPEAKING))
        await call.pass_time(900)  # four words, and half of the next
        await call.says_something()
        heard, unheard = call.said[0]
        assert f"{heard} {unheard}" == "One two three four five six seven eight nine ten."
        assert len(heard.split()) == 4

        await call.until_now(lambda: len(contexts()) == 2)
        await call.pass_time(1800)  # the whole answer
        await call.says_something()
        await call.until_now(lambda: len(contexts()) == 3)

    assert contexts()[-1] == [
        {"role": "user", "content": "turn 1"},
        {"role": "assistant", "content": heard},
        {"role": "user", "content": "turn 2"},
        {"role": "assistant", "content": "All right. You are welcome."},
        {"role": "user", "content": "turn 3"},
    ]
    assert call.said[1] == ("All right. You are welcome.", "")


async def test_the_output_is_paced_and_nothing_comes_after_an_interruption(
    pipecat: Path, contexts: Callable[[], list[list[Any]]]
) -> None:
    async with on_the_phone(pipecat) as call:
        await call.says_something()
        await call.until_now(lambda: call.now_is(TurnState.SPEAKING))
        await call.pass_time(200)
        assert call.call._playout.said().heard_ms < 1000, "of 2 s of speech that were made at once"
        for _ in range(40):
            frame = call.step(Decision.CALLER, 0.9)
            await asyncio.sleep(TICK_MS / 1000)
        assert not frame.any()


async def test_keys_reach_the_pipeline_and_its_end_ends_the_call(
    pipecat: Path, contexts: Callable[[], list[list[Any]]]
) -> None:
    async with on_the_phone(pipecat) as call:
        await call.pass_time(300)
        for key in "9#":
            call.call.digit(key)
        await call.until_now(lambda: call.call.over)
        assert call.call.hang_up_reason == "the pipeline has ended"
        assert call.said[-1] == ("You keyed 9.", "")


async def test_a_process_that_ends_costs_the_turn_and_not_the_pod(
    pipecat: Path, contexts: Callable[[], list[list[Any]]]
) -> None:
    runs = process(pipecat)
    await runs.start()
    call = RealTimeCall(PipecatDialogue(runs, INFO))
    try:
        await call.begin()
        await call.pass_time(300)
        assert runs._process is not None
        runs._process.kill()
        await call.until_now(lambda: ("Sorry again", "") in call.said)
        assert "runs" in await runs.check(), "another call has a new process"
    finally:
        await call.end()
        await runs.aclose()


@pytest.mark.parametrize(
    ("pipeline", "problem"),
    [
        ("pipecat_pipeline:break_down", "LookupError: no service for nobody"),
        ("pipecat_pipeline:nothing", "has no attribute 'nothing'"),
        ("no_such_module:make", "No module named 'no_such_module'"),
    ],
)
async def test_what_is_wrong_with_a_pipeline_is_said(
    pipecat: Path, pipeline: str, problem: str
) -> None:
    runs = process(pipecat, pipeline)
    try:
        with pytest.raises(ProviderError) as raised:
            await runs.start()
            await runs.check()
    finally:
        await runs.aclose()
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
