#!/usr/bin/env python3
"""Unpacks Prometheus and promtool into the user's cache, and prints the folder.

Both are linked statically but for libc, so they run on any Linux that is not older than Debian
bookworm; FOLDER/usr/bin has them. Of what the package depends on, fonts and scripts of its web
pages, they need nothing.

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here, for those who then skip what needs Prometheus; 1 for all else.
"""

import sys
from typing import Final

from debian_tree import Program, get

PROMETHEUS: Final = Program(
    name="prometheus",
    title="Prometheus",
    suite="bookworm",  # what the oldest one understands, newer ones do too
    packages=("prometheus",),
    download_mb=40,
    needed_mb=500,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(get(PROMETHEUS))
