"""A Go that is new enough: the machine's, or else Debian's, unpacked in the user's cache."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import places
from console import say
from debian_packages import NoDebianError, Suite, check_machine, check_space, unpack
from errors import CannotBeHadError

OLDEST: Final = (1, 26)
"""etcd 3.6.16 asks for it; Kubernetes alone would do with 1.24."""
SUITE: Final = "forky"
"""The first Debian release with it. Its Go is linked statically, so it runs on older ones too."""
PACKAGES: Final = ("golang-1.26-go", "golang-1.26-src")
NEEDED_MB: Final = 500
VERSION_S: Final = 20
"""Deadline for `go version`."""


def go() -> Path:
    """The program `go`.

    Raises:
        CannotBeHadError: there is none, and Debian's cannot be had.
    """
    here = shutil.which("go")
    if here is not None and _version(Path(here)) >= OLDEST:
        return Path(here)
    tree = places.kube() / f"go-{SUITE}"
    found = tree / "usr" / "lib" / "go-1.26" / "bin" / "go"
    if not found.exists():
        say(f"no Go {_text(OLDEST)} or newer here; unpacking that of Debian {SUITE}, 45 MB ...")
        try:
            _fetch(tree)
        except NoDebianError as error:
            raise CannotBeHadError(
                f"Go {_text(OLDEST)} or newer is missing, and Debian's too: {error}"
            ) from None
    return found


def environment() -> dict[str, str]:
    """The environment in which Go builds, whatever the user's settings are."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=mod -trimpath -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _version(program: Path) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [str(program), "version"],
            capture_output=True, text=True, check=False, timeout=VERSION_S,
            env=os.environ | {"GOTOOLCHAIN": "local"},
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    number = re.search(r"\bgo(\d+)\.(\d+)", said)
    return tuple(map(int, number.groups())) if number else (0,)


def _fetch(tree: Path) -> None:
    check_machine()
    check_space(tree.parent, NEEDED_MB)
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=f"{tree.name}.") as scratch:
        suite, made = Suite(SUITE, Path(scratch) / "apt"), Path(scratch) / "tree"
        suite.update()
        unpack(suite.download(*PACKAGES), made)
        shutil.rmtree(tree, ignore_errors=True)
        made.rename(tree)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
