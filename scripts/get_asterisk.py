#!/usr/bin/env python3
"""Unpacks a real Asterisk 22 with all its libraries into the user's cache, and prints where.

Needs apt-get and dpkg-deb, but neither root nor containers: the packages and their whole closure,
libc included, are downloaded with an apt state of their own and unpacked side by side, so that
nothing of the machine is changed and nothing starts by itself. Programs in it run with the tree's
own loader (tests/asterisk/asterisk_server.py does).

Exit codes: 0 and the folder on standard output; 3 and a reason on standard error where Debian
cannot be had from here, for those who then skip what needs Asterisk; 1 for all else.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

SUITE: Final = "forky"
"""The Debian suite with Asterisk 22; older releases have none."""
MAJOR: Final = "22."
PACKAGES: Final = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-wav")
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
STAMP: Final = "asterisk-version"
"""Written last; a folder without it was not finished."""
NEEDED_MB: Final = 600
UPDATE_S, DOWNLOAD_S = 120, 600
"""Deadlines."""
CANNOT_BE_HAD: Final = 3


class NoDebianError(Exception):
    """Debian's packages cannot be had from here."""


def main() -> int:
    """See the module."""
    folder = cache() / f"asterisk-{SUITE}"
    if not (folder / STAMP).exists():
        try:
            fetch(folder)
        except NoDebianError as error:
            say(f"no Asterisk: {error}")
            return CANNOT_BE_HAD
    say(f"Asterisk {(folder / STAMP).read_text().strip()}")
    sys.stdout.write(f"{folder}\n")
    return 0


def cache() -> Path:
    """Where this user's programs keep what can be made again (XDG Base Directory)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "interject"


def fetch(folder: Path) -> None:
    """Download, unpack, and put in place in one step.

    Raises:
        NoDebianError: no apt, no mirror, no network, no such package, no space.
    """
    missing = [tool for tool in ("apt-get", "dpkg-deb", "tar") if shutil.which(tool) is None]
    if missing:
        raise NoDebianError(f"{missing[0]} is missing; this needs Debian or Ubuntu")
    if not KEYRING.exists():
        raise NoDebianError(f"{KEYRING} is missing; install debian-archive-keyring")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder.parent).free < NEEDED_MB << 20:
        raise NoDebianError(f"{folder.parent} has less than {NEEDED_MB} MB free")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        state, tree = Path(scratch) / "apt", Path(scratch) / "tree"
        version = download(state)
        say("unpacking ...")
        unpack(sorted((state / "cache" / "archives").glob("*.deb")), tree)
        (tree / STAMP).write_text(f"{version}\n")
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)
    say(f"done in {time.monotonic() - began:.0f} s")


def download(state: Path) -> str:
    """The packages with all that they depend on, into `state`; Asterisk's version."""
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True)
    (state / "status").touch()
    source = f"deb [signed-by={KEYRING}] {mirror()} {SUITE} main\n"
    (state / "sources.list").write_text(source)
    say(f"reading the package lists of Debian {SUITE} ...")
    apt(state, "update", deadline_s=UPDATE_S)
    version = candidate(state)
    say(f"downloading Asterisk {version} and its libraries, about 100 MB ...")
    apt(state, "--yes", "--download-only", "install", *PACKAGES, deadline_s=DOWNLOAD_S)
    return version


def mirror() -> str:
    """The address from which this machine has its own Debian packages."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)"],
        capture_output=True, text=True, check=False, timeout=UPDATE_S,
    ).stdout  # fmt: skip
    for line in listed.splitlines():
        origin, _, rest = line.partition(" ")
        release, _, address = rest.partition(" ")
        # The security archive and its like have none of the packages.
        if origin == "Debian" and "-" not in release:
            return address
    raise NoDebianError("apt knows no Debian archive; run apt-get update once, on Debian")


def candidate(state: Path) -> str:
    """The version of Asterisk that the suite has."""
    shown = subprocess.run(
        ["apt-cache", *options(state), "--no-all-versions", "show", "asterisk"],
        capture_output=True, text=True, check=False, timeout=UPDATE_S,
    ).stdout  # fmt: skip
    versions = [line.split()[1] for line in shown.splitlines() if line.startswith("Version:")]
    if not versions:
        raise NoDebianError(f"Debian {SUITE} has no Asterisk")
    found = versions[0].rpartition(":")[2]
    if not found.startswith(MAJOR):
        raise NoDebianError(f"Debian {SUITE} has Asterisk {found}, expected {MAJOR}x")
    return found


def apt(state: Path, *arguments: str, deadline_s: float) -> None:
    """Run apt-get with a state of its own."""
    try:
        done = subprocess.run(
            ["apt-get", *options(state), "--quiet", *arguments],
            capture_output=True, text=True, check=False, timeout=deadline_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NoDebianError(f"apt-get {arguments[0]} took over {deadline_s} s") from None
    # A mirror that does not answer is a warning to `update`, and its exit code 0.
    complaints = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
    failed = "Failed to fetch" in done.stderr
    if done.returncode or failed:
        why = complaints[0] if complaints else f"exit code {done.returncode}"
        raise NoDebianError(f"apt-get {arguments[0]}: {why}")


def options(state: Path) -> list[str]:
    """What keeps apt away from the machine's own state."""
    settings = {
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Acquire::Languages": "none",
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def unpack(packages: list[Path], tree: Path) -> None:
    """The files of `packages`, without their scripts."""
    for name in ("bin", "sbin", "lib", "lib64"):
        # Packages of merged-/usr systems ship these in /usr alone.
        (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(f"usr/{name}")
    into = ["tar", "--extract", "--directory", str(tree), "--keep-directory-symlink",
            "--no-same-owner"]  # fmt: skip
    for package in packages:
        files = ["dpkg-deb", "--fsys-tarfile", str(package)]
        with subprocess.Popen(files, stdout=subprocess.PIPE) as archive:
            subprocess.run(into, stdin=archive.stdout, check=True)
        if archive.returncode:
            raise NoDebianError(f"{package.name} is damaged; try again")


def say(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
