"""What is asked of containerd by its own client: images in, containers away."""

import json
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Final

from errors import RigError

CALL_S: Final = 30
LOAD_S: Final = 600
"""Deadlines."""
REMOVALS: Final = 20
REMOVAL_PAUSE_S: Final = 0.1
"""A killed process is not gone at once."""


class Containers:
    """Those of the containerd behind `socket`."""

    def __init__(self, socket: Path) -> None:
        self._client = ["ctr", "--address", str(socket), "--namespace", "k8s.io"]

    def ready(self) -> bool:
        """Whether containerd answers."""
        return self._call("version").returncode == 0

    def clear(self) -> None:
        """Kill and remove all of them."""
        for _ in range(REMOVALS):
            tasks = self._listed("tasks")
            if not tasks:
                break
            for task in tasks:
                self._call("tasks", "kill", "--all", "--signal", "KILL", task)
                self._call("tasks", "rm", "--force", task)
            time.sleep(REMOVAL_PAUSE_S)
        if containers := self._listed("containers"):
            self._call("containers", "rm", *containers)

    def images(self) -> list[str]:
        """Their names."""
        return self._listed("images")

    def load(self, archive: Path) -> list[str]:
        """Take in an archive that `docker save` or buildah wrote; the images' names.

        Unpacked at once, so that the first pod need not wait for it. Other tags of the same
        repository go: each belongs to an older build.

        Raises:
            RigError: no such archive, or containerd refuses it.
        """
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest is not None
            names = [name for image in json.load(manifest) for name in image["RepoTags"]]
        done = self._call("images", "import", str(archive), deadline_s=LOAD_S)
        if done.returncode:
            raise RigError(f"containerd refuses {archive}: {done.stderr.strip()}")
        repositories = {name.rpartition(":")[0] for name in names}
        old = [
            image for image in self.images()
            if image.rpartition(":")[0] in repositories and image not in names
        ]  # fmt: skip
        if old:
            self._call("images", "rm", *old)
        return names

    def _listed(self, what: str) -> list[str]:
        return self._call(what, "ls", "--quiet").stdout.split()

    def _call(
        self, *arguments: str, deadline_s: float = CALL_S
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*self._client, *arguments],
                capture_output=True, text=True, check=False, timeout=deadline_s,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise RigError(f"ctr {' '.join(arguments[:2])} took over {deadline_s} s") from None
