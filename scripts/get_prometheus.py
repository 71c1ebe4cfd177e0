#!/usr/bin/env python3
"""Unpacks Prometheus and promtool into the user's cache, and prints the folder.

Needs apt-get and dpkg-deb, but neither root nor containers: the package is downloaded with an apt
state of its own and unpacked there, so that nothing of the machine is changed and nothing starts by
itself. Both programs are linked statically but for libc, so they run on any Linux that is not older
than Debian bookworm; FOLDER/usr/bin has them.

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here, for those who then skip what needs Prometheus; 1 for all else.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from debian_packages import NoDebianError, Suite, check_machine, check_space, unpack
from user_cache import cache

SUITE: Final = "bookworm"
"""The oldest Debian that still gets updates: what its Prometheus understands, newer ones do too."""
STAMP: Final = "prometheus-version"
"""Written last; a folder without it was not finished."""
NEEDED_MB: Final = 500
CANNOT_BE_HAD: Final = 3


def main() -> int:
    """See the module."""
    folder = cache() / f"prometheus-{SUITE}"
    if not (folder / STAMP).exists():
        try:
            fetch(folder)
        except NoDebianError as error:
            say(f"no Prometheus: {error}")
            return CANNOT_BE_HAD
    say(f"Prometheus {(folder / STAMP).read_text().strip()}")
    sys.stdout.write(f"{folder}\n")
    return 0


def fetch(folder: Path) -> None:
    """Download, unpack, and put in place in one step.

    Raises:
        NoDebianError: no apt, no mirror, no network, no such package, no space.
    """
    check_machine()
    folder.parent.mkdir(parents=True, exist_ok=True)
    check_space(folder.parent, NEEDED_MB)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        suite, tree = Suite(SUITE, Path(scratch) / "apt"), Path(scratch) / "tree"
        say(f"reading the package lists of Debian {SUITE} ...")
        suite.update()
        say("downloading Prometheus, about 40 MB ...")
        # Of what it depends on, fonts and scripts of its web pages, the server needs nothing.
        packages = [
            file for file in suite.download("prometheus") if file.name.startswith("prometheus_")
        ]
        if not packages:
            raise NoDebianError(f"Debian {SUITE} has no Prometheus for this machine")
        say("unpacking ...")
        unpack(packages, tree)
        (tree / STAMP).write_text(f"{packages[0].name.split('_')[1]}\n")
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)
    say(f"done in {time.monotonic() - began:.0f} s")


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
