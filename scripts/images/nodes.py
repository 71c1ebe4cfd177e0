"""Images that no registry has, for the nodes of kind, of k3d, or of the tests' own rig."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from engines import Engine
from rig.console import RigError, UnavailableError
from rig.containerd import Containers
from rig.layout import FACTS, Layout

LOAD_S: Final = 600
_PROGRAMS: Final = {
    "kind": ("load", "image-archive", "{archive}", "--name", "{cluster}"),
    "k3d": ("image", "import", "{archive}", "--cluster", "{cluster}"),
}


@dataclass(frozen=True)
class Nodes:
    """Those of one cluster.

    Args:
        kind: kind, k3d or rig.
        cluster: its name there; of a rig, its folder.
    """

    kind: str
    cluster: str

    def load(self, engine: Engine, name: str, scratch: Path) -> None:
        """Give them the image `name`, unless they have it.

        Raises:
            RigError: they do not take it.
        """
        rig = Containers(Layout.read(Path(self.cluster)).containerd_socket) if self._rig else None
        if rig is not None and name in rig.images():
            return
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            archive = Path(folder) / "image.tar"
            engine.save(name, archive)
            if rig is not None:
                rig.load(archive)
            else:
                self._import(archive)

    @property
    def _rig(self) -> bool:
        return self.kind == "rig"

    def _import(self, archive: Path) -> None:
        command = [
            self.kind,
            *(part.format(archive=archive, cluster=self.cluster) for part in _PROGRAMS[self.kind]),
        ]
        if shutil.which(self.kind) is None:
            raise UnavailableError(f"the cluster is one of {self.kind}'s, which is not on the PATH")
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=LOAD_S
            )
        except subprocess.TimeoutExpired:
            raise RigError(f"{' '.join(command)}: took over {LOAD_S} s") from None
        if done.returncode:
            raise RigError(f"{' '.join(command)}: {done.stderr.strip()}")


def nodes_of(kubeconfig: Path) -> Nodes | None:
    """The nodes behind the current context of `kubeconfig`; None if it is none of those.

    Raises:
        RigError: it cannot be read.
    """
    try:
        context = str(yaml.safe_load(kubeconfig.read_text())["current-context"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise RigError(
            f"{kubeconfig}: expected a kubeconfig with a current context ({error})"
        ) from None
    for kind in _PROGRAMS:
        if context.startswith(f"{kind}-"):
            return Nodes(kind, context.removeprefix(f"{kind}-"))
    folder = kubeconfig.resolve().parent
    return Nodes("rig", str(folder)) if (folder / FACTS).exists() else None
