"""Run `interject demo --short` and fail unless Interject heard every interruption, and no echo.

The demonstration runs in real time. It is made again only if it failed while the witness saw the
machine stall; the pods' own count of late ticks excuses nothing. `.ci/run` runs this file.

Exit codes: 0 and the table; 1 and one line on standard error.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from real_time.retry import excuses
from real_time.verdict import TRIES
from real_time.witness import witness

DEADLINE_S: Final = 180.0
INTERJECT: Final = Path(sys.executable).with_name("interject")
CALLS: Final = {"half-duplex", "naive", "interject"}


def main() -> int:
    """See the module."""
    for _ in range(TRIES):
        with witness() as stalls:
            done = subprocess.run(
                [str(INTERJECT), "demo", "--short", "--json"],
                stdout=subprocess.PIPE, text=True, timeout=DEADLINE_S,
            )  # fmt: skip
        problem = f"exit code {done.returncode}" if done.returncode else problem_of(done.stdout)
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
        if not problem:
            return 0
        sys.stderr.write(f"demo: {problem}; the witness saw {stalls}\n")
        if not excuses(stalls):
            break
    return 1


def problem_of(printed: str) -> str:
    """What is wrong with the output of `interject demo --json`; empty if nothing is."""
    calls: dict[str, Any] = {call["name"]: call for call in json.loads(printed)["calls"]}
    if set(calls) != CALLS:
        return f"calls {sorted(calls)}, expected {sorted(CALLS)}"
    ours = calls["interject"]
    if ours["interruptions"] == 0:
        return "the caller never interrupted, so the run shows nothing"
    wrong = {key: ours[key] for key in ("false_barge_ins", "missed") if ours[key] != 0}
    return f"{wrong} in Interject's call, expected 0 of each" if wrong else ""


if __name__ == "__main__":
    sys.exit(main())
