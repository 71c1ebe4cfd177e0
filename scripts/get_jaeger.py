#!/usr/bin/env python3
"""Builds a real Jaeger into the user's cache, and prints where: traces go in, and can be asked for.

It is the all-in-one program from its published Go modules, without its pages for people. Go, and
Go's own cache, are those that a Kubernetes for the tests is built with (scripts/kubernetes/get.py).
What is there in the right version is left alone.

Exit codes: 0 and the program's path on standard output; 3 and a reason on standard error where Go
or the modules cannot be had from here, for those who then skip what needs it; 1 for all else.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parent / "kubernetes"))

from console import ended, say
from errors import CannotBeHadError
from go_modules import wrapper
from go_toolchain import go
from one_at_a_time import one_at_a_time
from programs import JAEGER
from user_cache import cache

PACKAGE: Final = "github.com/jaegertracing/jaeger/cmd/all-in-one"
PATIENCE_S: Final = 1800
"""For somebody else who is building."""
NEEDED_GB: Final = 3
"""Free space for building it, nearly all of it in Go's caches."""


def main() -> int:
    """See the module."""
    return ended(get)


def get() -> str:
    """The path of the program.

    Raises:
        CannotBeHadError: not on this machine.
        RigError: something failed that should have worked.
    """
    if not sys.platform.startswith("linux"):
        raise CannotBeHadError(f"this is {sys.platform}; only Linux has been tried")
    folder = cache() / "jaeger"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"jaeger-{JAEGER}"
    with one_at_a_time(folder / "get.lock", "building Jaeger", PATIENCE_S):
        if not program.exists():
            _build(folder, program)
    say(f"Jaeger {JAEGER}")
    return str(program)


def _build(folder: Path, program: Path) -> None:
    if shutil.disk_usage(folder).free < NEEDED_GB << 30:
        raise CannotBeHadError(f"{folder} has less than {NEEDED_GB} GB free")
    toolchain = go()
    say(
        f"building Jaeger {JAEGER} from its Go modules; about 5 min on two cores the first time ..."
    )
    began = time.monotonic()
    module = wrapper(toolchain, folder / "src", "jaeger")
    draft = program.with_suffix(".new")
    module.build(PACKAGE, draft, "")
    draft.rename(program)
    size = program.stat().st_size
    say(f"built in {time.monotonic() - began:.0f} s, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
