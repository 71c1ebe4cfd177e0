#!/usr/bin/env python3
"""Unpacks baresip, a softphone with TLS and SRTP, into the user's cache, and prints where.

Needs what get_asterisk.py needs, and leaves the machine as that does.

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here; 1 for all else.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from debian_packages import NoDebianError, Suite, check_machine, check_space, unpack
from user_cache import cache

SUITE: Final = "forky"
PACKAGE: Final = "baresip-core"
NEEDED_MB: Final = 250
CANNOT_BE_HAD: Final = 3


def main() -> int:
    """See the module."""
    folder = cache() / f"baresip-{SUITE}"
    if not folder.exists():
        try:
            fetch(folder)
        except NoDebianError as error:
            sys.stderr.write(f"no baresip: {error}\n")
            return CANNOT_BE_HAD
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
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        suite, tree = Suite(SUITE, Path(scratch) / "apt"), Path(scratch) / "tree"
        sys.stderr.write("downloading baresip and its libraries, about 30 MB ...\n")
        suite.update()
        unpack(suite.download(PACKAGE), tree)
        tree.rename(folder)


if __name__ == "__main__":
    sys.exit(main())
