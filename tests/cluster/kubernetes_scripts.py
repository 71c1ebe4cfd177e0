"""Calls of scripts/kubernetes, which has the rig: its progress is seen, its refusal is kept."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "kubernetes"
CANNOT_BE_HAD = 3
LONGEST_S = 3600.0
"""Deadline; the scripts have narrower ones for each of their steps."""


class CannotBeHadError(Exception):
    """What was asked for cannot be had on this machine; the message says why."""


def script(name: str, *arguments: str) -> str:
    """What the script prints. Its progress goes to standard error as it comes.

    Raises:
        CannotBeHadError: it says so.
    """
    with subprocess.Popen(
        [sys.executable, str(SCRIPTS / name), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None and running.stdout is not None
        last = ""
        for line in running.stderr:
            sys.stderr.write(line)
            last = line.strip() or last
        output = running.stdout.read().strip()
        status = running.wait(LONGEST_S)
    if status == CANNOT_BE_HAD:
        raise CannotBeHadError(last.removeprefix("not to be had here: "))
    assert status == 0, f"{name} {arguments[0] if arguments else ''}: {last}"
    return output
