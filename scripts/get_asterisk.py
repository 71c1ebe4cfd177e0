#!/usr/bin/env python3
"""Unpacks a real Asterisk 22 with all its libraries into the user's cache, and prints where.

Needs apt-get and dpkg-deb, but neither root nor containers: the packages and their whole closure,
libc included, are downloaded with an apt state of their own and unpacked side by side, so that
nothing of the machine is changed and nothing starts by itself. Programs in it run with the tree's
own loader (tests/asterisk/asterisk_server.py does).

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here, for those who then skip what needs Asterisk; 1 for all else.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from debian_packages import NoDebianError, Suite, check_machine, check_space, unpack
from user_cache import cache

SUITE: Final = "forky"
"""The Debian suite with Asterisk 22; older releases have none."""
MAJOR: Final = "22."
PACKAGES: Final = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-wav")
STAMP: Final = "asterisk-version"
"""Written last; a folder without it was not finished."""
NEEDED_MB: Final = 600
CANNOT_BE_HAD: Final = 3


def main() -> int:
    """See the module."""
    folder = cache() / f"asterisk-{SUITE}"
    if not (folder / STAMP).exists():
        try:
            fetch(folder)
        except NoDebianError as error:
            say(f"no Asterisk: {error}")
            return CANNOT_BE_HAD
    say(f"Asterisk {(folder / STAMP).read_text().strip()}")
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
        version = candidate(suite)
        say(f"downloading Asterisk {version} and its libraries, about 100 MB ...")
        packages = suite.download(*PACKAGES)
        say("unpacking ...")
        unpack(packages, tree)
        (tree / STAMP).write_text(f"{version}\n")
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)
    say(f"done in {time.monotonic() - began:.0f} s")


def candidate(suite: Suite) -> str:
    """The version of Asterisk that the suite has."""
    shown = suite.show("asterisk")
    versions = [line.split()[1] for line in shown.splitlines() if line.startswith("Version:")]
    if not versions:
        raise NoDebianError(f"Debian {suite.name} has no Asterisk")
    found = versions[0].rpartition(":")[2]
    if not found.startswith(MAJOR):
        raise NoDebianError(f"Debian {suite.name} has Asterisk {found}, expected {MAJOR}x")
    return found


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
