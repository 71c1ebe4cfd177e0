#!/usr/bin/env python3
"""Unpacks baresip, a softphone with TLS and SRTP, into the user's cache, and prints where.

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here; 1 for all else.
"""

import sys
from typing import Final

from debian_tree import Program, get

BARESIP: Final = Program(
    name="baresip-core",
    title="baresip",
    suite="forky",
    packages=("baresip-core",),
    download_mb=30,
    needed_mb=250,
)

if __name__ == "__main__":
    sys.exit(get(BARESIP))
