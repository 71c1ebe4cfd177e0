"""Builds Kubernetes and Jaeger into the user's cache, keyed by version.

The programs come from published Go modules; for a node, Debian's container runtime is installed as
well if it is missing and this runs as root. A program that is there in the right version is left
alone; an interrupted build continues from Go's own cache. That cache takes 5 GB, the modules 3 GB
(`go clean -cache -modcache` frees them); the programs themselves take 560 MB.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rig import pause_image
from rig.cache import cache_folder, exclusive, kube_folder, programs_folder, sources_folder
from rig.console import UnavailableError, say
from rig.go import JAEGER, KUBERNETES, Program, flags, go, wanted, wrapper

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
PATIENCE_S: Final = 3000
"""For another process that builds."""
NEEDED_GB: Final = 10
"""Free space for building everything: 9 GB, of which Go's caches keep 8."""
JAEGER_PACKAGE: Final = "github.com/jaegertracing/jaeger/cmd/all-in-one"
"""One program, without its pages for people."""
JAEGER_NEEDED_GB: Final = 3
"""Nearly all of it in Go's caches."""


def install_node_packages() -> None:
    """Install what is missing. No service is started.

    Raises:
        UnavailableError: something is missing, and apt does not bring it.
    """
    missing = sorted({package for tool, package in PACKAGES.items() if shutil.which(tool) is None})
    if not missing:
        return
    if os.geteuid() != 0:
        raise UnavailableError(f"a node needs {', '.join(missing)}; install them as root")
    if shutil.which("apt-get") is None:
        raise UnavailableError(f"a node needs {', '.join(missing)}, and there is no apt-get")
    say(f"installing {', '.join(missing)} ...")
    with _no_service_starts():
        _apt("update")
        _apt("--yes", "--no-install-recommends", "install", *missing)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    if POLICY.exists():
        yield
        return
    # Moved into place in one step: another apt may read it at any time.
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
        raise UnavailableError(f"apt-get took over {INSTALL_S} s") from None
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        why = complaints[0] if complaints else f"exit code {done.returncode}"
        raise UnavailableError(f"apt-get: {why}")


def build_programs(node: bool) -> str:
    """The folder with all programs in it.

    Raises:
        UnavailableError: not on this machine.
        RigError: something failed that should have worked.
    """
    if not sys.platform.startswith("linux"):
        raise UnavailableError(f"this is {sys.platform}; Kubernetes' servers need Linux")
    if shutil.which("openssl") is None and not node:
        raise UnavailableError("openssl is missing")
    if node:
        install_node_packages()
    with exclusive(kube_folder() / "get.lock", "building Kubernetes", PATIENCE_S):
        _build_all([program for program in wanted(node) if not _is_there(program)])
        if node and not pause_image.archive().exists():
            pause_image.build(go())
    say(f"Kubernetes {KUBERNETES}")
    return str(programs_folder())


def _build_all(missing: list[Program]) -> None:
    if not missing:
        return
    if shutil.disk_usage(kube_folder()).free < NEEDED_GB << 30:
        raise UnavailableError(f"{kube_folder()} has less than {NEEDED_GB} GB free")
    toolchain = go()
    about_s = sum(program.about_s for program in missing)
    say(
        f"building {len(missing)} programs of Kubernetes {KUBERNETES} from their Go modules; "
        f"{max(about_s // 60, 1)} min on two cores the first time, seconds from then on"
    )
    began = time.monotonic()
    for program in missing:
        _build(toolchain, program)
    say(f"all built in {time.monotonic() - began:.0f} s")


def _build(toolchain: Path, program: Program) -> None:
    began = time.monotonic()
    say(f"  {program.name} {program.version}, about {program.about_s} s ...")
    module = wrapper(toolchain, sources_folder(), program.module)
    draft = programs_folder() / f".{program.name}.new"
    module.build(program.package, draft, flags(program.module))
    _stamp(program).unlink(missing_ok=True)
    draft.rename(programs_folder() / program.name)
    _stamp(program).write_text(f"{program.version}\n")
    size = (programs_folder() / program.name).stat().st_size
    say(f"  {program.name}: {time.monotonic() - began:.0f} s, {size / 1e6:.0f} MB")


def _is_there(program: Program) -> bool:
    """Whether the program is there in its version; what follows a + in the stamp is free."""
    stamp = _stamp(program)
    has = stamp.read_text().strip().partition("+")[0] if stamp.exists() else ""
    return has == program.version and (programs_folder() / program.name).exists()


def _stamp(program: Program) -> Path:
    return programs_folder() / f".{program.name}.version"


def build_jaeger() -> str:
    """The path of Jaeger's program; five minutes on two cores the first time.

    Raises:
        UnavailableError: not on this machine.
        RigError: something failed that should have worked.
    """
    if not sys.platform.startswith("linux"):
        raise UnavailableError(f"this is {sys.platform}; only Linux has been tried")
    folder = cache_folder() / "jaeger"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"jaeger-{JAEGER}"
    with exclusive(folder / "get.lock", "building Jaeger", PATIENCE_S):
        if not program.exists():
            if shutil.disk_usage(folder).free < JAEGER_NEEDED_GB << 30:
                raise UnavailableError(f"{folder} has less than {JAEGER_NEEDED_GB} GB free")
            toolchain, began = go(), time.monotonic()
            say(f"building Jaeger {JAEGER} from its Go modules, about 5 min ...")
            draft = program.with_suffix(".new")
            wrapper(toolchain, folder / "src", "jaeger").build(JAEGER_PACKAGE, draft, "")
            draft.rename(program)
            say(f"built in {time.monotonic() - began:.0f} s")
    say(f"Jaeger {JAEGER}")
    return str(program)
