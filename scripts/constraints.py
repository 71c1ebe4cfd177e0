#!/usr/bin/env python3
"""Prints constraints.txt: a pin for every package that set-up or the operator installs.

What `.venv` has was tested, so that is what gets pinned; pip resolves what is not installed there
(the operator's packages, uv) against these pins. To move a package on: install its new version
into `.venv`, `make constraints`, `make check`.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_IN_VENV = (f"{ROOT}[operator]", "uv")
HEADER = """\
# Every package that set-up installs, at the version that the tests passed with, and the operator's.
# Written by `make constraints`. torch stands without +cpu, so that either of its builds will do.
"""
LOCAL_VERSION = re.compile(r"\+[\w.]+$")


def main() -> None:
    installed = pip("freeze", "--all", "--exclude-editable").splitlines()
    pins = {LOCAL_VERSION.sub("", line) for line in installed}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        pins |= resolved(constraints.name)
    sys.stdout.write(HEADER)
    sys.stdout.write("".join(f"{line}\n" for line in sorted(pins, key=str.lower)))


def resolved(constraints: str) -> set[str]:
    """Pins for what `NOT_IN_VENV` needs beyond the packages of `.venv`."""
    dry_run = ("install", "--dry-run", "--quiet", "--report", "-", "--constraint", constraints)
    found = [entry["metadata"] for entry in json.loads(pip(*dry_run, *NOT_IN_VENV))["install"]]
    return {f"{one['name']}=={one['version']}" for one in found if one["name"] != "interject"}


def pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


if __name__ == "__main__":
    main()
