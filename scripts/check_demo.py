#!/usr/bin/env python3
"""Reads what `interject demo --json` prints, and fails unless Interject did what it promises.

That is: in its call no false barge-in, and no interruption missed. The other two calls are there
to be compared with, so nothing is asked of them but to be there.
"""

import json
import sys

CALLS = {"half-duplex", "naive", "interject"}


def main() -> None:
    calls = {call["name"]: call for call in json.load(sys.stdin)["calls"]}
    if set(calls) != CALLS:
        sys.exit(f"demo: calls of {sorted(calls)}, expected {sorted(CALLS)}")
    ours = calls["interject"]
    if ours["interruptions"] == 0:
        sys.exit("demo: the caller never interrupted, so nothing was shown")
    wrong = {key: ours[key] for key in ("false_barge_ins", "missed") if ours[key] != 0}
    if wrong:
        sys.exit(f"demo: {wrong} in Interject's call, expected 0 of each")
    sys.stdout.write(f"demo: {json.dumps(ours)}\n")


if __name__ == "__main__":
    main()
