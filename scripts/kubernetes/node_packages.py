"""What a node needs from Debian: a container runtime, its networks, a packet filter, buildah."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from console import say
from errors import CannotBeHadError

PACKAGES: Final = {
    "containerd": "containerd", "runc": "runc", "nft": "nftables", "ip": "iproute2",
    "openssl": "openssl", "buildah": "buildah",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}  # fmt: skip
"""By a program that each brings."""
POLICY: Final = Path("/usr/sbin/policy-rc.d")
"""Asked by packages whether they may start their service."""
INSTALL_S: Final = 600
"""Deadline."""


def install() -> None:
    """Install what is missing. No service is started.

    Raises:
        CannotBeHadError: something is missing, and apt does not bring it.
    """
    missing = sorted({package for tool, package in PACKAGES.items() if shutil.which(tool) is None})
    if not missing:
        return
    if os.geteuid() != 0:
        raise CannotBeHadError(f"a node needs {', '.join(missing)}; install them as root")
    if shutil.which("apt-get") is None:
        raise CannotBeHadError(f"a node needs {', '.join(missing)}, and there is no apt-get")
    say(f"installing {', '.join(missing)} ...")
    with _no_service_starts():
        _apt("update")
        _apt("--yes", "--no-install-recommends", "install", *missing)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    if POLICY.exists():
        yield
        return
    # Moved into place in one step: another apt may look at it any time.
    with tempfile.NamedTemporaryFile("w", dir=POLICY.parent, delete=False) as file:
        file.write("#!/bin/sh\nexit 101\n")
    Path(file.name).chmod(0o755)
    Path(file.name).rename(POLICY)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["apt-get", "--quiet", *arguments],
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=INSTALL_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotBeHadError(f"apt-get took over {INSTALL_S} s") from None
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        why = complaints[0] if complaints else f"exit code {done.returncode}"
        raise CannotBeHadError(f"apt-get: {why}")
