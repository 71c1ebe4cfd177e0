"""Commands that other packages register, in an installation without those packages."""

import subprocess
import sys

import pytest

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
