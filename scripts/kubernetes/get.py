#!/usr/bin/env python3
"""Builds the programs of a real Kubernetes into the user's cache, and prints where.

They come from published Go modules; for a node, Debian's container runtime is installed as well if
it is missing and this runs as root. What is there in the right version is left alone; what is
interrupted goes on from Go's own cache. That cache takes 5 GB, the modules 3 GB (`go clean -cache
-modcache` frees them); the programs themselves take 560 MB.

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Kubernetes
cannot be had from here, for those who then skip what needs it; 1 for all else.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

import node_packages
import pause_image
import places
from console import ended, say
from errors import CannotBeHadError
from go_modules import flags, wrapper
from go_toolchain import go
from one_at_a_time import one_at_a_time
from programs import KUBERNETES, Program, wanted

PATIENCE_S: Final = 3000
"""For somebody else who is building."""
NEEDED_GB: Final = 10
"""Free space for building everything: 9 GB, of which Go's caches keep 8."""


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Builds the programs of a real Kubernetes.")
    parser.add_argument("--no-node", action="store_true", help="the control plane alone")
    node = not parser.parse_args().no_node
    return ended(lambda: get(node))


def get(node: bool) -> str:
    """The folder with all programs in it.

    Raises:
        CannotBeHadError: not on this machine.
        RigError: something failed that should have worked.
    """
    if not sys.platform.startswith("linux"):
        raise CannotBeHadError(f"this is {sys.platform}; Kubernetes' servers need Linux")
    if shutil.which("openssl") is None and not node:
        raise CannotBeHadError("openssl is missing")
    if node:
        node_packages.install()
    with one_at_a_time(places.kube() / "get.lock", "building Kubernetes", PATIENCE_S):
        _build_all([program for program in wanted(node) if not _is_there(program)])
        if node and not pause_image.archive().exists():
            pause_image.build(go())
    say(f"Kubernetes {KUBERNETES}")
    return str(places.programs())


def _build_all(missing: list[Program]) -> None:
    if not missing:
        return
    if shutil.disk_usage(places.kube()).free < NEEDED_GB << 30:
        raise CannotBeHadError(f"{places.kube()} has less than {NEEDED_GB} GB free")
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
    module = wrapper(toolchain, places.sources(), program.module)
    draft = places.programs() / f".{program.name}.new"
    module.build(program.package, draft, flags(program.module))
    _stamp(program).unlink(missing_ok=True)
    draft.rename(places.programs() / program.name)
    _stamp(program).write_text(f"{program.version}\n")
    size = (places.programs() / program.name).stat().st_size
    say(f"  {program.name}: {time.monotonic() - began:.0f} s, {size / 1e6:.0f} MB")


def _is_there(program: Program) -> bool:
    """Whether the program is there in its version; what follows a + in the stamp is free."""
    stamp = _stamp(program)
    has = stamp.read_text().strip().partition("+")[0] if stamp.exists() else ""
    return has == program.version and (places.programs() / program.name).exists()


def _stamp(program: Program) -> Path:
    return places.programs() / f".{program.name}.version"


if __name__ == "__main__":
    sys.exit(main())
