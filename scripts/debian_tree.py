"""One of Debian's programs with what it needs, unpacked into the user's cache and kept there.

Needs apt-get and dpkg-deb, but neither root nor containers: packages are downloaded with an apt
state of their own and unpacked side by side, so that nothing of the machine is changed and nothing
starts by itself.
"""

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from debian_packages import NoDebianError, Suite, check_machine, check_space, unpack
from user_cache import cache

CANNOT_BE_HAD: Final = 3


@dataclass(frozen=True)
class Program:
    """What is wanted.

    Attributes:
        name: of the package whose version counts, and of the folder.
        title: for people.
        suite: of Debian.
        packages: all that are named; those that they depend on come too, unless `alone`.
        download_mb: about so much.
        needed_mb: of free space.
        major: the version has to begin so.
    """

    name: str
    title: str
    suite: str
    packages: tuple[str, ...]
    download_mb: int
    needed_mb: int
    major: str = ""
    alone: bool = False

    @property
    def stamp(self) -> str:
        """The file with the version, written last: a folder without it was not finished."""
        return f"{self.name}-version"


def get(program: Program) -> int:
    """Unpack it unless it is there, and print the folder.

    Returns:
        The exit code: 0; 3, with a reason on standard error, where Debian cannot be had.
    """
    folder = cache() / f"{program.name}-{program.suite}"
    if not (folder / program.stamp).exists():
        try:
            _fetch(program, folder)
        except NoDebianError as error:
            say(f"no {program.title}: {error}")
            return CANNOT_BE_HAD
    say(f"{program.title} {(folder / program.stamp).read_text().strip()}")
    sys.stdout.write(f"{folder}\n")
    return 0


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _fetch(program: Program, folder: Path) -> None:
    """Download, unpack, and put in place in one step."""
    check_machine()
    folder.parent.mkdir(parents=True, exist_ok=True)
    check_space(folder.parent, program.needed_mb)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        suite, tree = Suite(program.suite, Path(scratch) / "apt"), Path(scratch) / "tree"
        say(f"reading the package lists of Debian {program.suite} ...")
        suite.update()
        version = _candidate(program, suite)
        say(f"downloading {program.title} {version}, about {program.download_mb} MB ...")
        packages = suite.download(*program.packages)
        if program.alone:
            packages = [file for file in packages if file.name.split("_")[0] in program.packages]
        say("unpacking ...")
        unpack(packages, tree)
        (tree / program.stamp).write_text(f"{version}\n")
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)
    say(f"done in {time.monotonic() - began:.0f} s")


def _candidate(program: Program, suite: Suite) -> str:
    """The version that the suite has."""
    shown = suite.show(program.name)
    versions = [line.split()[1] for line in shown.splitlines() if line.startswith("Version:")]
    if not versions:
        raise NoDebianError(f"Debian {suite.name} has no {program.title} for this machine")
    found = versions[0].rpartition(":")[2]
    if not found.startswith(program.major):
        raise NoDebianError(
            f"Debian {suite.name} has {program.title} {found}, expected {program.major}x"
        )
    return found
