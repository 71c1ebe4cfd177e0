"""Builds images: with docker or podman if one works here, else with buildah on our own Debian.

The first two take the Dockerfiles' own base image from a registry. The third makes it from Debian's
packages, for machines that reach no registry; it needs root.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from rig.buildah import Buildah
from rig.console import RigError, UnavailableError
from rig.images import build_image

CALL_S: Final = 300
BUILD_S: Final = 2400
"""Deadlines."""
SHOWN: Final = 15
"""Lines of a failed build."""


class Engine(Protocol):
    """A way to build images and to hand them on."""

    @property
    def name(self) -> str:
        """Of the program."""

    def build(self, name: str, context: Path, file: Path) -> None:
        """Build the Dockerfile `file` into the image `name`, unless there is such an image.

        Raises:
            RigError: it does not build.
        """

    def size(self, name: str) -> str:
        """What the image takes on a node, for people."""

    def save(self, name: str, archive: Path) -> None:
        """Write the image as `docker save` does."""

    def push(self, name: str, to: str) -> None:
        """Push the image to a registry under the name `to`."""


@dataclass(frozen=True)
class Client:
    """Docker, or podman, which has the same commands."""

    name: str

    def works(self) -> bool:
        """Whether it is here, and so is the daemon that it may need."""
        return shutil.which(self.name) is not None and self._run("info").returncode == 0

    def build(self, name: str, context: Path, file: Path) -> None:
        """See `Engine.build`."""
        if self._run("image", "inspect", name).returncode == 0:
            return
        arguments = ("build", f"--file={file}", f"--tag={name}", str(context))
        built = self._run(*arguments, deadline_s=BUILD_S)
        if built.returncode:
            words = "\n".join([*built.stdout.splitlines(), *built.stderr.splitlines()][-SHOWN:])
            raise RigError(f"{file} does not build:\n{words}")

    def size(self, name: str) -> str:
        """See `Engine.size`."""
        return self._call("images", "--format={{.Size}}", name).strip()

    def save(self, name: str, archive: Path) -> None:
        """See `Engine.save`."""
        self._call("save", f"--output={archive}", name)

    def push(self, name: str, to: str) -> None:
        """See `Engine.push`."""
        self._call("tag", name, to)
        self._call("push", to)

    def _call(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            raise RigError(f"{self.name} {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def _run(self, *arguments: str, deadline_s: float = CALL_S) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.name, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                check=False, timeout=deadline_s,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise RigError(f"{self.name} {arguments[0]} took over {deadline_s:.0f} s") from None


@dataclass(frozen=True)
class OwnBase:
    """Buildah, with the rig's store and its Debian."""

    name: str = "buildah"

    def build(self, name: str, context: Path, file: Path) -> None:
        """See `Engine.build`; the tag is what the rig would choose too."""
        built = build_image(name.rpartition(":")[0], context, file)
        if built != name:
            raise RigError(f"{file}: its sources changed during the build; run it again")

    def size(self, name: str) -> str:
        """See `Engine.size`."""
        return Buildah().call("images", "--format={{.Size}}", name)

    def save(self, name: str, archive: Path) -> None:
        """See `Engine.save`."""
        Buildah().save(name, archive)

    def push(self, name: str, to: str) -> None:
        """See `Engine.push`."""
        Buildah().call("push", "--quiet", name, f"docker://{to}")


def engine(wanted: str) -> Engine:
    """The one called `wanted`; if that is empty, the first that works here.

    Raises:
        UnavailableError: it does not.
    """
    if wanted == "buildah":
        return OwnBase()
    clients = (Client("docker"), Client("podman"))
    for client in clients:
        if wanted in ("", client.name) and client.works():
            return client
    if wanted:
        raise UnavailableError(
            f"no {wanted} that works here; give ENGINE=docker, podman or buildah"
        )
    return OwnBase()
