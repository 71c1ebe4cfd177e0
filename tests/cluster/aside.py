"""Work beside calls at the lowest priority: in production it runs on other machines."""

import subprocess
from collections.abc import Sequence
from typing import Final

_LAST: Final = """\
{ echo 19 > /proc/$$/autogroup; } 2> /dev/null
exec "$@"
"""
"""Where the kernel shares the processors among sessions first, as many do (autogroup in sched(7)),
niceness counts within a session alone."""


def run_aside(
    command: Sequence[str], stdin: str | None, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run `command` at the lowest priority, and collect its output.

    Raises:
        subprocess.TimeoutExpired: it took longer; it is gone.
    """
    return subprocess.run(
        ["nice", "-n", "19", "sh", "-c", _LAST, "aside", *command],
        input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False,
        start_new_session=True,
    )  # fmt: skip
