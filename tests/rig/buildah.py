"""Builds with buildah: its store, and what a build sees of this machine.

The sources of packages are mounted while a build runs. Nothing of them is copied, so no image has
the address of a mirror, an index or a proxy.
"""

import configparser
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rig.cache import images_folder
from rig.console import RigError, UnavailableError
from rig.debian import KEYRING, source

CALL_S: Final = 300
BUILD_S: Final = 2400
"""Deadlines."""
SHOWN: Final = 15
"""Lines of a failed build."""
KEPT: Final = 4
"""Builders' last steps, and what failed builds left, that later builds may begin with."""
SEEN_AT: Final = "/run/interject-build"
"""Where a build finds folders of wheels and the certificates that the machine trusts."""
TRUSTED: Final = Path("/etc/ssl/certs/ca-certificates.crt")
APT_SETTINGS: Final = Path("/etc/apt/apt.conf.d")
PIP_FILES: Final = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
PIP_INDEXES: Final = ("index-url", "extra-index-url", "trusted-host")
BESIDE: Final = Path(__file__).resolve().parents[3] / "shared" / "wheels"
"""Wheels beside the checkout, as scripts/setup.py takes them."""


class Buildah:
    """The store in the user's cache."""

    def __init__(self) -> None:
        store = images_folder() / "buildah"
        self._command = [
            "buildah", f"--root={store / 'root'}", f"--runroot={store / 'run'}",
            "--storage-driver=overlay",
        ]  # fmt: skip

    def has(self, name: str) -> bool:
        """Whether there is an image `name`."""
        return self._run("inspect", "--type=image", name).returncode == 0

    def commit(self, tree: Path, name: str, *settings: str) -> None:
        """Make an image of one layer from `tree`.

        Raises:
            RigError: buildah fails.
        """
        container = self.call("from", "scratch")
        try:
            self.call("add", "--quiet", container, str(tree), "/")
            self.call("config", *settings, container)
            self.call("commit", "--quiet", container, name)
        finally:
            self._run("rm", container)

    def build(self, name: str, context: Path, file: Path, *options: str) -> None:
        """Build a Dockerfile into the image `name`, whose tag says what is in it.

        Steps whose input is the same as before are taken from then. The older image of the same
        repository goes, and so do all but the last few nameless ones: the store has its bound. Only
        one build at a time may use the store.

        Raises:
            RigError: a step fails; the message has its last lines.
        """
        # Containers of builds that were killed keep their layers for good.
        self._run("rm", "--all")
        built = self._run(
            "build", "--isolation=chroot", "--network=host", "--layers", "--format=docker",
            # Where the machine's limits may not be raised, buildah's own wish fails.
            "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096",
            *options, f"--file={file}", f"--tag={name}", str(context), deadline_s=BUILD_S,
        )  # fmt: skip
        if built.returncode:
            words = "\n".join([*built.stdout.splitlines(), *built.stderr.splitlines()][-SHOWN:])
            raise RigError(f"{file} does not build:\n{words}")
        nameless = self._run("images", "--filter=dangling=true", "--format={{.ID}}").stdout.split()
        for old in (*self._older(name), *nameless[KEPT:]):
            self._run("rmi", old)

    def save(self, name: str, archive: Path) -> None:
        """Write the image `name` as `docker save` would; not compressed, which loads quicker.

        Raises:
            RigError: there is none.
        """
        self.call("push", "--quiet", name, f"docker-archive:{archive}:{name}")

    def call(self, *arguments: str) -> str:
        """What buildah prints.

        Raises:
            RigError: it fails.
        """
        done = self._run(*arguments)
        if done.returncode:
            raise RigError(f"buildah {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _older(self, name: str) -> list[str]:
        repository = name.rpartition(":")[0]
        names = self._run("images", "--format={{.Name}}:{{.Tag}}").stdout.split()
        return [old for old in names if old.rpartition(":")[0] == repository and old != name]

    def _run(self, *arguments: str, deadline_s: float = CALL_S) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*self._command, *arguments], stdin=subprocess.DEVNULL,
                capture_output=True, text=True, check=False, timeout=deadline_s,
            )  # fmt: skip
        except FileNotFoundError:
            raise UnavailableError(
                "buildah is missing; `python3 tests/rig programs` installs it for root"
            ) from None
        except subprocess.TimeoutExpired:
            raise RigError(f"buildah {arguments[0]} took over {deadline_s:.0f} s") from None


def mounts(suite: str, folder: Path) -> list[str]:
    """Arguments for buildah. What has to be written for them goes into `folder`.

    Args:
        suite: of Debian, from which a build installs packages.

    Raises:
        NoDebianError: the machine has no mirror of Debian.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / f"sources-{suite}"
    sources.mkdir(exist_ok=True)
    (sources / "debian.list").write_text(source(suite))
    # Beside the one above, what the image itself has must not count.
    (folder / "sources.list").write_text("")
    seen = {
        "/etc/apt/sources.list.d": sources,
        "/etc/apt/sources.list": folder / "sources.list",
        "/etc/apt/apt.conf.d": APT_SETTINGS,
        str(KEYRING): KEYRING,
        "/etc/pip.conf": folder / "pip.conf",
        f"{SEEN_AT}/trusted.crt": TRUSTED,
    }
    wheels = list(_wheels())
    seen |= {f"{SEEN_AT}/wheels-{n}": path for n, path in enumerate(wheels)}
    (folder / "pip.conf").write_text(_pip_settings(len(wheels)))
    return [f"--volume={path}:{at}:ro" for at, path in seen.items() if path.exists()]


def _pip_settings(wheels: int) -> str:
    """pip's configuration: this machine's, with folders where a build sees them."""
    here, inside = _pip(), configparser.RawConfigParser()
    inside["global"] = {key: here[key] for key in PIP_INDEXES if key in here}
    elsewhere = [link for link in here.get("find-links", "").split() if _folder(link) is None]
    links = [*elsewhere, *(f"{SEEN_AT}/wheels-{n}" for n in range(wheels))]
    if links:
        inside["global"]["find-links"] = " ".join(links)
    if TRUSTED.exists():
        inside["global"]["cert"] = f"{SEEN_AT}/trusted.crt"
    lines = [f"{key} = {value}" for key, value in inside["global"].items()]
    return "\n".join(["[global]", *lines, ""])


def _wheels() -> Iterator[Path]:
    folders = (_folder(link) for link in _pip().get("find-links", "").split())
    yield from (folder for folder in folders if folder is not None)
    if BESIDE.is_dir():
        yield BESIDE


def _pip() -> dict[str, str]:
    """pip's settings here; the environment counts most."""
    files = configparser.RawConfigParser()
    files.read(Path(name).expanduser() for name in PIP_FILES)
    settings = dict(files["global"]) if files.has_section("global") else {}
    for key in (*PIP_INDEXES, "find-links"):
        if value := os.environ.get(f"PIP_{key.replace('-', '_').upper()}"):
            settings[key] = value
    return settings


def _folder(link: str) -> Path | None:
    """The folder that `link` names, a path or a file: URI; None for what is elsewhere."""
    parts = urlsplit(link)
    if parts.scheme not in ("", "file"):
        return None
    path = Path(url2pathname(parts.path))
    return path if path.is_dir() else None
