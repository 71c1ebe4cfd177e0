"""A speech-to-speech agent of a manifest: in the terminal, in `check`, and with its services."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialogues.realtime.scripted_realtime import Answer, ScriptedRealtime
from media_pod.dialogues.ports import CallInfo
from media_pod.manifest.agent import AgentSpec, load_manifest
from media_pod.pod.check import Finding, check_agent
from media_pod.pod.talk import talk_with
from voiceagent_documents import voice_agent

INFO = CallInfo("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "100", "200")


def spec(url: str, **more: Any) -> AgentSpec:
    document = voice_agent({"dialogue": {"kind": "parcelDesk"}})
    document["spec"] = {
        "realtime": {"kind": "openai", "model": "gpt-x", "baseUrl": url},
        "instructions": "You are the desk, and call {{ caller }} by their number.",
        "greeting": {"text": "Hello."},
        **more,
    }
    return load_manifest(document, "test").spec


async def talked(realtime: ScriptedRealtime, *lines: str) -> list[str]:
    written: list[str] = []
    typed: Iterator[str] = iter(lines)

    async def read() -> str | None:
        return next(typed, None)

    async with realtime.running() as url:
        await talk_with(spec(url), Path(), INFO, read, written.append)
    return written


async def test_in_the_terminal_it_shows_what_the_model_says() -> None:
    realtime = ScriptedRealtime("Hello.", "One two three four.", "All right.")
    written = await talked(realtime, "count", "!2 stop")
    bot = [line for line in written if line.startswith("bot:")]
    assert bot == ["bot: Hello.", "bot: One two three four.", "bot: All right."]
    assert realtime.session.said == [
        "assistant: Hello.",
        "user: count",
        "assistant: One two",
        "user: stop",
        "assistant: All right.",
    ]
    assert "call 100 by their number" in realtime.session.setup["instructions"]


async def findings(realtime: ScriptedRealtime, **more: Any) -> list[Finding]:
    async with realtime.running() as url:
        return [each async for each in check_agent(spec(url, **more), Path(), {})]


async def test_check_tries_it() -> None:
    found = await findings(ScriptedRealtime("Hello, this is a test."))
    [own] = [each for each in found if each.path == "spec.realtime"]
    assert "truncation works" in own.text
    assert not own.is_problem
    assert found[0] == Finding("spec.instructions", "templates are valid")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"instructions": "You are {{ nobody }}."}, "the variable nobody"),
        ({}, "slow down"),
    ],
)
async def test_check_says_what_is_wrong(more: dict[str, Any], problem: str) -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    found = await findings(ScriptedRealtime(Answer(error=error)), **more)
    assert any(each.is_problem and problem in each.text for each in found)
