"""Virtual environments of programs for tests, in the user's cache: not shipped, pinned by hash."""

import hashlib
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.cache import cache_folder, exclusive
from rig.console import RigError, UnavailableError, say

INSTALL_S: Final = 900
"""Deadline."""
PATIENCE_S: Final = 1000
"""For another process that installs."""
OFFLINE_SIGNS: Final = ("No matching distribution", "Connection", "Temporary failure", "timed out")


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment, for its requirements and this Python."""

    name: str
    requirements: Path
    needed_mb: int
    what: str
    """What is installed, for its progress."""
    sources: tuple[str, ...] = ()
    """Packages that exist as source alone."""

    @property
    def folder(self) -> Path:
        """Where it is; it may not exist yet."""
        version = "{}.{}".format(*sys.version_info)
        key = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:12]
        return cache_folder() / f"{self.name}-py{version}-{key}"

    def install(self) -> str:
        """The folder, installed first if it is missing.

        Raises:
            UnavailableError: no network, no space, or no packages for this machine.
            RigError: it failed for another reason.
        """
        folder = self.folder
        lock = folder.with_name(f"{folder.name}.lock")
        with exclusive(lock, f"installing {self.what}", PATIENCE_S):
            if not self._stamp.exists():
                self._install()
        return str(folder)

    def _install(self) -> None:
        folder = self.folder
        # In its place, as an environment cannot be moved; the stamp tells whether it was finished.
        shutil.rmtree(folder, ignore_errors=True)
        if shutil.disk_usage(folder.parent).free < self.needed_mb << 20:
            raise UnavailableError(f"{folder.parent} has less than {self.needed_mb} MB free")
        say(f"installing {self.what} ...")
        began = time.monotonic()
        _run(sys.executable, "-m", "venv", str(folder))
        from_source = [argument for name in self.sources for argument in ("--no-binary", name)]
        # Without dependencies: the requirements have them all, but for those of packages of which
        # only a file is used.
        _run(
            str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes",
            "--no-deps", "--only-binary", ":all:", *from_source, "--disable-pip-version-check",
            "-r", str(self.requirements),
        )  # fmt: skip
        self._stamp.touch()
        say(f"done in {time.monotonic() - began:.0f} s")

    @property
    def _stamp(self) -> Path:
        return self.folder / "complete"


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=INSTALL_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[2]} took over {INSTALL_S} s") from None
    if done.returncode == 0:
        return
    complaints = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["(no output)"]
    if any(sign in done.stderr for sign in OFFLINE_SIGNS):
        raise UnavailableError(f"{command[2]}: {complaints[-1]}")
    raise RigError(f"{command[2]}: {complaints[-1]}")
