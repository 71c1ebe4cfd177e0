"""Images in a store of the project's own, by buildah."""

import subprocess
from pathlib import Path
from typing import Final

import places
from errors import CannotBeHadError, RigError

CALL_S: Final = 300
BUILD_S: Final = 2400
"""Deadlines."""
SHOWN: Final = 15
"""Lines of a failed build."""
KEPT: Final = 4
"""Builders' last steps, and what failed builds left, that later builds may begin with."""


class Buildah:
    """The store in the user's cache."""

    def __init__(self) -> None:
        store = places.images() / "buildah"
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
            raise CannotBeHadError("buildah is missing; get.py installs it for root") from None
        except subprocess.TimeoutExpired:
            raise RigError(f"buildah {arguments[0]} took over {deadline_s:.0f} s") from None
