"""Packages of a Debian suite of one's choice, with an apt state of their own.

Nothing of the machine is changed: lists, downloads and the record of what is installed (nothing)
lie in a folder of the caller, and packages are unpacked there, without their scripts. Needs
apt-get and dpkg-deb, but no root.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
UPDATE_S, DOWNLOAD_S = 120, 600
"""Deadlines."""


class NoDebianError(Exception):
    """Debian's packages are not available here."""


def check_machine() -> None:
    """Raises NoDebianError where the tools or the keys are missing."""
    missing = [tool for tool in ("apt-get", "dpkg-deb", "tar") if shutil.which(tool) is None]
    if missing:
        raise NoDebianError(f"{missing[0]} is missing; this needs Debian or Ubuntu")
    if not KEYRING.exists():
        raise NoDebianError(f"{KEYRING} is missing; install debian-archive-keyring")


def check_space(folder: Path, needed_mb: int) -> None:
    """Raises NoDebianError where `folder` has less than `needed_mb` left."""
    if shutil.disk_usage(folder).free < needed_mb << 20:
        raise NoDebianError(f"{folder} has less than {needed_mb} MB free")


def mirror() -> str:
    """The address from which this machine has its own Debian packages.

    Raises:
        NoDebianError: the machine has none.
    """
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


def source(suite: str) -> str:
    """A line for a sources.list: `suite`, from this machine's mirror."""
    return f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n"


@dataclass(frozen=True)
class Suite:
    """A Debian suite whose apt state lies in `state`, a folder that is not there yet."""

    name: str
    state: Path

    def update(self) -> None:
        """Read the suite's package lists.

        Raises:
            NoDebianError: no mirror, no network.
        """
        for part in ("lists/partial", "cache/archives/partial"):
            (self.state / part).mkdir(parents=True)
        (self.state / "status").touch()
        (self.state / "sources.list").write_text(source(self.name))
        self._apt("update", deadline_s=UPDATE_S)

    def show(self, package: str) -> str:
        """What the lists say of the newest version of `package`; empty where there is none."""
        return self.cache("--no-all-versions", "show", package)

    def cache(self, *arguments: str) -> str:
        """What apt-cache answers."""
        return subprocess.run(
            ["apt-cache", *self._options(), *arguments],
            capture_output=True, text=True, check=False, timeout=UPDATE_S,
        ).stdout  # fmt: skip

    def download(self, *packages: str) -> list[Path]:
        """The files of `packages` and of all that they depend on.

        Raises:
            NoDebianError: no such package, no network.
        """
        self._apt("--yes", "--download-only", "install", *packages, deadline_s=DOWNLOAD_S)
        return sorted((self.state / "cache" / "archives").glob("*.deb"))

    def _apt(self, *arguments: str, deadline_s: float) -> None:
        try:
            done = subprocess.run(
                ["apt-get", *self._options(), "--quiet", *arguments],
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

    def _options(self) -> list[str]:
        """What keeps apt away from the machine's own state."""
        settings = {
            "Dir::Etc::SourceList": self.state / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State": self.state,
            "Dir::State::Lists": self.state / "lists",
            "Dir::State::status": self.state / "status",
            "Dir::Cache": self.state / "cache",
            "Acquire::Languages": "none",
            "APT::Install-Recommends": "0",
            "APT::Sandbox::User": "root",
        }
        return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def unpack(packages: list[Path], tree: Path) -> None:
    """The files of `packages`, without their scripts.

    Raises:
        NoDebianError: a package is damaged.
    """
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
