"""`interject check`: every problem in one run, each with its path, what was found and allowed."""

import socket
from pathlib import Path
from typing import Any

import pytest

from media_pod.pod import check
from media_pod.pod.check import Finding, check_agent
from pod.agents import document, says, spec_of
from providers.openai.conftest import server
from providers.openai.scripted_server import MODEL, ScriptedServer, answer

__all__ = ["server"]


async def findings(url: str, folder: Path, environ: dict[str, str], **spec: Any) -> list[Finding]:
    return [each async for each in check_agent(spec_of(url, **spec), folder, environ)]


async def problems(url: str, folder: Path = Path(), **spec: Any) -> dict[str, str]:
    """Text by path, each a single line."""
    found = [each for each in await findings(url, folder, {}, **spec) if each.is_problem]
    assert all("\n" not in each.text for each in found)
    assert len({each.path for each in found}) == len(found)
    return {each.path: each.text for each in found}


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_an_agent_that_works_has_a_finding_for_each_part(
    server: ScriptedServer, tmp_path: Path
) -> None:
    says(server, "Yes.")
    found = await findings(server.url, tmp_path, {})
    assert [each.path for each in found] == [
        "spec.instructions",
        "spec.llm",
        "spec.stt",
        "spec.tts",
    ]
    assert not any(each.is_problem for each in found)
    assert all(each.text for each in found)


async def test_every_problem_is_found_in_one_run(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    llm = document(url)["spec"]["llm"]
    keyless = {**llm, "apiKey": {"env": "NO_SUCH_KEY"}}
    lookup = {"kind": "http", "description": "Looks up.", "url": "http://127.0.0.1:1/find"}
    found = await problems(
        url,
        tmp_path,
        instructions="Hello {{ nmae }}",
        greeting={"text": "Hi {% for a in b %}{% endfor %}"},
        llm={**llm, "fallbacks": [keyless]},
        recordings=[{"text": "One", "play": "one.wav"}, {"text": "Two", "play": "two.wav"}],
        tools=[
            {"kind": "hold", "music": "gone.wav"},
            {**lookup, "name": "broken", "parameters": {"type": "string"}},
            {
                **lookup,
                "name": "secret",
                "headers": [{"name": "X-Key", "valueFrom": {"env": "NO_SUCH_TOKEN"}}],
            },
            {**lookup, "name": "away"},
        ],
    )
    expected = {
        "spec.instructions": ("found the variable nmae", "allowed: called, caller"),
        "spec.greeting.text": ("found {% for %}", "allowed: {{ name }}"),
        "spec.tools[0].music": ("gone.wav: No such file", "expected a WAV file"),
        "spec.recordings[0].play": ("one.wav: No such file", "expected a WAV file"),
        "spec.recordings[1].play": ("two.wav: No such file", "expected a WAV file"),
        "spec.llm": (url.split("/")[2], MODEL),
        "spec.llm.fallbacks[0].apiKey": ("found no environment variable NO_SUCH_KEY", "allowed: "),
        "spec.tools[1]": ('parameters.type: found "string"', 'allowed: "object"'),
        "spec.tools[2].headers[0].valueFrom": ("found no environment variable NO_SUCH", "allowed"),
        "spec.tools[3]": ("tool away: 127.0.0.1:1", "refused"),
    }
    for path, texts in expected.items():
        for text in texts:
            assert text in found[path]
    assert found.keys() == expected.keys()


async def test_a_model_that_the_server_does_not_have_is_named_with_those_that_it_has(
    server: ScriptedServer,
) -> None:
    server.models = answer({"object": "list", "data": [{"id": "test-mode1"}]})
    found = await problems(server.url)
    assert found.keys() == {"spec.llm"}
    assert MODEL in found["spec.llm"]
    assert "test-mode1" in found["spec.llm"]


async def test_a_wrong_key_is_a_problem_and_is_not_shown(server: ScriptedServer) -> None:
    key = "sk-very-secret-0123456789"
    server.models = answer({"error": {"message": f"Incorrect key {key}"}}, 401)
    server.fails(401, {"error": {"message": f"Incorrect key {key}"}})
    llm = {**document(server.url)["spec"]["llm"], "apiKey": {"env": "KEY"}}
    found = await findings(server.url, Path(), {"KEY": key}, llm=llm)
    (problem,) = [each for each in found if each.is_problem]
    assert problem.path == "spec.llm"
    assert key not in problem.text


async def test_a_server_that_never_answers_does_not_hold_the_others(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Never:
        async def start(self) -> None:
            """Nothing to start."""

        async def check(self) -> str:
            await server.gone.wait()
            return ""

        async def aclose(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr(check, "CHECK_S", 0.01)
    (finding,) = await check._tried("spec.llm", Never)
    assert finding == Finding("spec.llm", "found no answer within 0.01 s", is_problem=True)


async def test_a_bug_of_a_part_is_a_problem_and_the_others_are_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed: list[str] = []

    class Broken:
        async def start(self) -> None:
            raise ZeroDivisionError("by zero")

        async def check(self) -> str:
            return "fine"

        async def aclose(self) -> None:
            closed.append("part")

    (finding,) = await check._tried("spec.stt", Broken)
    assert finding == Finding("spec.stt", "found ZeroDivisionError: by zero", is_problem=True)
    assert "Traceback" in caplog.text
    assert closed == ["part"]


async def test_a_dialogue_without_a_model_is_checked_too(tmp_path: Path) -> None:
    found = await problems(
        "", tmp_path, llm=None, instructions=None, dialogue={"kind": "scripted",
        "script": [{"play": "gone.wav"}]},
    )  # fmt: skip
    assert found.keys() == {"spec.dialogue"}
    assert "gone.wav: No such file" in found["spec.dialogue"]


async def test_a_tool_whose_server_is_there_is_reached(server: ScriptedServer) -> None:
    says(server, "Yes.")
    tool = {"kind": "http", "name": "find", "description": "Finds.", "url": f"{server.url}/find"}
    found = await findings(server.url, Path(), {}, tools=[tool])
    assert found[-1].path == "spec.tools[0]"
    assert "servers reached: 1" in found[-1].text
    assert all(each.path != "/v1/find" for each in server.received)
