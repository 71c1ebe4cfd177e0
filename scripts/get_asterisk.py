#!/usr/bin/env python3
"""Unpacks a real Asterisk 22 with all its libraries into the user's cache, and prints where.

The whole closure comes, libc included: programs in it run with the tree's own loader
(tests/asterisk/asterisk_server.py does).

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here, for those who then skip what needs Asterisk; 1 for all else.
"""

import sys
from typing import Final

from debian_tree import Program, get

ASTERISK: Final = Program(
    name="asterisk",
    title="Asterisk",
    suite="forky",  # older releases have no Asterisk 22
    packages=("asterisk", "asterisk-modules", "asterisk-core-sounds-en-wav"),
    download_mb=100,
    needed_mb=600,
    major="22.",
)

if __name__ == "__main__":
    sys.exit(get(ASTERISK))
