"""What Debian is in `debian:SUITE-slim`, from packages alone: no registry is needed for it.

The packages' files are unpacked into a folder and configured inside it, as an installer does.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from rig.buildah import Buildah
from rig.cache import images_folder
from rig.console import RigError, say
from rig.debian import Suite, check_machine, check_space, unpack

MORE: Final = ("apt", "usr-is-merged")
"""Beside what is essential to Debian."""
NEEDED_MB: Final = 1500
CONFIGURE_S: Final = 600
"""Deadline of one call of dpkg."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNWANTED: Final = (
    "packages", "usr/sbin/policy-rc.d", "dev", "usr/share/doc", "usr/share/man",
    "usr/share/locale", "usr/share/info", "var/cache/apt", "var/lib/apt/lists", "var/log",
    "etc/hostname", "etc/resolv.conf", "etc/apt/sources.list", "etc/apt/sources.list.d",
)  # fmt: skip
"""Files of this machine, documents, caches. Folders among them stay, empty."""
SLIM: Final = "".join(f"path-exclude=/usr/share/{name}/*\n" for name in ("doc", "man", "locale"))
"""For dpkg: packages that are installed later have no documents either."""


def base(buildah: Buildah, suite: str) -> str:
    """The name of the image; made if it is not there yet.

    Raises:
        NoDebianError: Debian's packages are not available here.
        RigError: a package does not configure.
    """
    name = f"localhost/interject-debian:{suite}"
    if buildah.has(name):
        return name
    check_machine()
    check_space(images_folder(), NEEDED_MB)
    say(f"making a base image of Debian {suite}, about a minute ...")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=images_folder()) as scratch:
        tree = Path(scratch) / "tree"
        _install(Suite(suite, Path(scratch) / "apt"), tree)
        _tidy(tree)
        buildah.commit(tree, name, "--cmd=/bin/sh", f"--env=PATH={PATH}")
    say(f"base image: {time.monotonic() - began:.0f} s")
    return name


def _install(suite: Suite, tree: Path) -> None:
    suite.update()
    packages = suite.download(*_essential(suite), *MORE)
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "packages"):
        (tree / folder).mkdir(parents=True)
    for record in ("status", "available"):
        (tree / "var/lib/dpkg" / record).touch()
    unpack(packages, tree)
    for package in packages:
        shutil.copy(package, tree / "packages")
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    names = [f"/packages/{package.name}" for package in packages]
    # All are unpacked already, so that every script finds the programs that it calls.
    _dpkg(tree, "--force-all", "--unpack", *names)
    _dpkg(tree, "--force-depends", "--configure", "base-passwd", "base-files")
    _dpkg(tree, "--configure", "--pending")


def _essential(suite: Suite) -> list[str]:
    """What every Debian has."""
    names, name = set(), ""
    for line in suite.cache("dumpavail").splitlines():
        if line.startswith("Package:"):
            name = line.split()[1]
        elif line.startswith("Essential: yes"):
            names.add(name)
    return sorted(names)


def _dpkg(tree: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["chroot", str(tree), "/usr/bin/dpkg", *arguments],
        env={"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": PATH},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=CONFIGURE_S,
    )  # fmt: skip
    if done.returncode:
        words = "\n".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-15:])
        raise RigError(f"dpkg {arguments[1]}:\n{words}")


def _tidy(tree: Path) -> None:
    for name in UNWANTED:
        path = tree / name
        if not path.is_dir():
            path.unlink(missing_ok=True)
            continue
        shutil.rmtree(path)
        if name != "packages":
            path.mkdir()
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)
    (tree / "var/lib/apt/lists/partial").mkdir(parents=True)
    (tree / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)
