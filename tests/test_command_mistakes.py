"""The whole command line as a process: one line per mistake, exit codes, and its help."""

import subprocess

import pytest

from serve_process import DEADLINE_S, INTERJECT


def interject(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*INTERJECT, *arguments), capture_output=True, text=True, timeout=DEADLINE_S
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["call", "127.0.0.1:1"],
            "interject: no server listens at http://127.0.0.1:1",
        ),
        (
            ["call", "127.0.0.1:1", "--say", "hello"],
            "'hello', expected SECONDS:TEXT, such as 3.5:hello",
        ),
        (
            ["lab", "bench", "--rule", "livekitt"],
            "interject: no rule 'livekitt': did you mean 'livekit'?",
        ),
        (
            ["bench", "tick", "--write", "nowhere.md"],
            "interject: nowhere.md: No such file or directory",
        ),
        (["serve", "nowhere.yaml"], "nowhere.yaml"),
        (["lab", "bensh"], "No such command 'bensh'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = interject(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert line in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_every_command() -> None:
    done = interject("--help")
    assert done.returncode == 0
    for command in ("serve", "call", "demo", "lab", "bench"):
        assert f"\n  {command} " in done.stdout
