"""Commands as whole processes: check, talk, and those of packages that are not installed."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pod.agents import as_yaml, says
from providers.openai.conftest import server
from providers.openai.scripted_server import MODEL, ScriptedServer

__all__ = ["server"]

WITHOUT_LAB = (
    sys.executable,
    "-c",
    "import sys; sys.modules['interject_lab'] = None\nfrom media_pod.cli import main; main()",
)


def interject(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (*WITHOUT_LAB, *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=40)


@pytest.mark.parametrize(
    "arguments", [("demo",), ("demo", "--help"), ("call", "127.0.0.1:1650", "--seconds", "3")]
)
def test_a_command_of_a_missing_package_says_what_to_install(arguments: tuple[str, ...]) -> None:
    done = interject(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"interject: {arguments[0]} is not installed here; run: pip install 'interject[lab]'\n"
    )


def test_help_lists_only_the_commands_that_work() -> None:
    shown = interject("--help").stdout
    assert "\n  serve " in shown
    assert "demo" not in shown


def test_a_pod_does_not_load_the_lab() -> None:
    code = (
        "import sys; from media_pod.cli import cli\n"
        "cli.main(['serve', '--help'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.startswith('interject_lab')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=40)
    assert run.stdout.splitlines()[-1:] == ["[]"], run.stderr


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    error: str


async def run(*arguments: str, typed: str = "") -> Done:
    """Run `interject` while the test's server goes on."""
    process = await asyncio.create_subprocess_exec(
        *WITHOUT_LAB,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"},
    )
    async with asyncio.timeout(40):
        out, error = await process.communicate(typed.encode())
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), error.decode())


class Manifest:
    """The file of an agent whose model is the test's server; it works, unless it is changed."""

    def __init__(self, path: Path, server: ScriptedServer) -> None:
        self.path = path
        self._server = server
        self.write(greeting={"text": "Hello."})

    def write(self, **spec: Any) -> None:
        self.path.write_text(as_yaml(self._server.url, **spec))

    def __str__(self) -> str:
        return str(self.path)


@pytest.fixture
def manifest(tmp_path: Path, server: ScriptedServer) -> Manifest:
    return Manifest(tmp_path / "agent.yaml", server)


async def test_check_says_that_all_works(manifest: Manifest, server: ScriptedServer) -> None:
    says(server, "Yes.")
    done = await run("check", str(manifest))
    assert (done.code, done.error) == (0, "")
    lines = done.out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"ok       spec.{part}" for part in ("instructions", "llm", "stt", "tts")
    ]


async def test_check_finds_all_problems_and_ends_with_code_2(
    manifest: Manifest, server: ScriptedServer
) -> None:
    server.models = lambda request: server.answers.pop(0)(request)
    server.fails(503, {})
    server.fails(503, {})
    server.fails(503, {})
    tool = {"kind": "http", "name": "t", "description": "d", "url": "http://127.0.0.1:1/"}
    manifest.write(
        instructions="{{ nmae }}",
        recordings=[{"text": "One", "play": "gone.wav"}],
        tools=[{**tool, "parameters": {"type": "array"}}],
    )
    done = await run("check", str(manifest))
    assert done.code == 2
    problems = [line for line in done.out.splitlines() if line.startswith("problem")]
    assert [line.split(": ")[0].split()[1] for line in problems] == [
        "spec.instructions",
        "spec.recordings[0].play",
        "spec.llm",
        "spec.tools[0]",
    ]
    assert done.error.splitlines()[-1] == f"interject: {manifest}: 4 to mend before a call"


async def test_talk_is_a_conversation_on_standard_input(
    manifest: Manifest, server: ScriptedServer
) -> None:
    says(server, "We open at nine.")
    done = await run("talk", str(manifest), "--caller", "+4930", typed="when\n")
    assert (done.code, done.error) == (0, "")
    assert "bot: Hello." in done.out
    assert "bot: We open at nine." in done.out
    assert server.posted[0].body["messages"][-1] == {"role": "user", "content": "when"}


async def test_talk_passes_variables_as_a_dialplan_does(
    manifest: Manifest, server: ScriptedServer
) -> None:
    manifest.write(
        greeting={"text": "{{ caller }}, {{ name }}, {{ order }}."},
        variables={"name": "nobody", "order": "none"},
    )
    done = await run("talk", str(manifest), "--caller", "7", "--var", "name=a=b", "--var", "x=y")
    assert "bot: 7, a=b, none." in done.out


async def test_talk_without_a_key_says_where_it_was_looked_for(manifest: Manifest) -> None:
    llm = {"kind": "openai", "model": MODEL, "apiKey": {"env": "OPENAI_API_KEY"}}
    manifest.write(llm=llm)
    done = await run("talk", str(manifest))
    assert (done.code, done.out) == (2, "")
    assert done.error == (
        "interject: spec.llm.apiKey: found no environment variable OPENAI_API_KEY; "
        "allowed: one of them, not empty\n"
    )


def test_the_labs_commands_leave_numpy_to_whoever_sets_its_threads_first() -> None:
    code = "import sys, interject_lab.commands; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=40)
    assert done.stdout == "False\n", done.stderr
