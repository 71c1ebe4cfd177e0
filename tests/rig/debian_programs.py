"""Programs of Debian with what they need, unpacked into the user's cache and kept there.

Needs apt-get and dpkg-deb, but neither root nor containers: packages are downloaded with an apt
state of their own and unpacked side by side, so that nothing of the machine is changed and nothing
starts by itself.
"""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.cache import cache_folder
from rig.console import UnavailableError, say
from rig.debian import NoDebianError, Suite, check_machine, check_space, unpack


@dataclass(frozen=True)
class Program:
    """One of them.

    Attributes:
        name: of the package whose version counts, and of the folder.
        title: for people.
        suite: of Debian.
        packages: with their dependencies, unless `alone`.
        download_mb: about.
        needed_mb: of free space.
        major: how the version has to begin.
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


PROGRAMS: Final = {
    "asterisk": Program(
        name="asterisk",
        title="Asterisk",
        suite="forky",  # older releases have no Asterisk 22
        packages=("asterisk", "asterisk-modules", "asterisk-core-sounds-en-wav"),
        download_mb=100,
        needed_mb=600,
        major="22.",
    ),
    "baresip": Program(
        name="baresip-core",
        title="baresip",
        suite="forky",
        packages=("baresip-core",),
        download_mb=30,
        needed_mb=250,
    ),
    "prometheus": Program(
        name="prometheus",
        title="Prometheus",
        suite="bookworm",  # what the oldest one understands, newer ones do too
        packages=("prometheus",),
        download_mb=40,
        needed_mb=500,
        # Its programs are linked statically but for libc; the rest is for its web pages.
        alone=True,
    ),
}
"""By what they are called here. The whole closure comes, libc included: programs of `asterisk` and
`baresip` run with their tree's own loader (tests/asterisk/asterisk_server.py does)."""


def fetch(program: Program) -> str:
    """The folder with the program, unpacked first if it is missing.

    Raises:
        UnavailableError: Debian's packages are not available here.
    """
    folder = cache_folder() / f"{program.name}-{program.suite}"
    if not (folder / program.stamp).exists():
        try:
            _fetch(program, folder)
        except NoDebianError as error:
            raise UnavailableError(f"{program.title}: {error}") from None
    say(f"{program.title} {(folder / program.stamp).read_text().strip()}")
    return str(folder)


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
