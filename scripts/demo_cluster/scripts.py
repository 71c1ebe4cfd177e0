"""The other scripts, run as programs: their progress is seen, what they print is kept."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from demo_cluster.errors import DemoError

SCRIPTS: Final = Path(__file__).resolve().parents[1]
ROOT: Final = SCRIPTS.parent
LONGEST_S: Final = 3600.0


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def rig(command: str, *arguments: str | Path) -> str:
    """What `python3 tests/rig COMMAND` prints.

    Raises:
        DemoError: it fails.
    """
    return script("../tests/rig", command, *arguments)


def script(name: str, *arguments: str | Path) -> str:
    """What the script prints. Its progress goes to standard error as it comes.

    Raises:
        DemoError: it fails.
    """
    command = [sys.executable, str(SCRIPTS / name), *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        output = running.stdout.read().strip()
        status = running.wait(LONGEST_S)
    if status:
        raise DemoError(f"{name} {arguments[0] if arguments else ''}: see above")
    return output
