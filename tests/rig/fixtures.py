"""The rig's commands for tests: their progress is shown; what is not available here is a skip."""

import subprocess
import sys
from pathlib import Path

import pytest

from rig.console import UNAVAILABLE, UnavailableError

RIG = Path(__file__).resolve().parent
LONGEST_S = 3600.0
"""Deadline; the commands have narrower ones for each of their steps."""


def rig_command(command: str, *arguments: str) -> str:
    """What `python3 tests/rig COMMAND` prints. Its progress goes to standard error as it comes.

    Raises:
        UnavailableError: it says so.
    """
    with subprocess.Popen(
        [sys.executable, str(RIG), command, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None and running.stdout is not None
        last = ""
        for line in running.stderr:
            sys.stderr.write(line)
            last = line.strip() or last
        output = running.stdout.read().strip()
        status = running.wait(LONGEST_S)
    if status == UNAVAILABLE:
        raise UnavailableError(last.removeprefix("not available here: "))
    assert status == 0, f"rig {command}: {last}"
    return output


def program(name: str) -> Path:
    """Where the program is, fetched or built first; skips the test where it is not available."""
    try:
        return Path(rig_command(name))
    except UnavailableError as error:
        pytest.skip(f"no {name} on this machine: {error}")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The folder with prometheus and promtool."""
    return program("prometheus") / "usr" / "bin"


@pytest.fixture(scope="session")
def jaeger_program() -> Path:
    """Jaeger's program; building it takes five minutes the first time."""
    return program("jaeger")
