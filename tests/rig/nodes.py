"""Gives images to a cluster's nodes.

By the command of kind, k3d or minikube, into a containerd on this machine, or through a registry
that the nodes pull from.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from rig.cache import images_folder
from rig.console import RigError, UnavailableError, say
from rig.containerd import Containers
from rig.engines import Engine, engine
from rig.images import Dockerfile
from rig.layout import FACTS, Layout

LOAD_S: Final = 600
CONTAINERD: Final = "containerd:"
"""Begins the address of a containerd, in `nodes_of`."""
_PROGRAMS: Final = {
    "kind": ("load", "image-archive", "{archive}", "--name", "{cluster}"),
    "k3d": ("image", "import", "{archive}", "--cluster", "{cluster}"),
    "minikube": ("image", "load", "{archive}", "--profile", "{cluster}"),
}


@dataclass(frozen=True)
class Nodes:
    """The nodes of one cluster.

    Args:
        kind: kind, k3d, minikube, containerd or registry.
        cluster: the cluster's name; the socket of a containerd; the prefix of images in a registry.
    """

    kind: str
    cluster: str

    def give(self, engine: Engine, name: str, scratch: Path) -> str:
        """Give them the image `name`, unless they have it; the name by which pods use it.

        Raises:
            UnavailableError: the program of the cluster is missing.
            RigError: they do not take it.
        """
        if self.kind == "registry":
            pushed = f"{self.cluster.rstrip('/')}/{name.rpartition('/')[2]}"
            engine.push(name, pushed)
            return pushed
        containers = Containers(Path(self.cluster)) if self.kind == "containerd" else None
        if containers is not None and name in containers.images():
            return name
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            archive = Path(folder) / "image.tar"
            engine.save(name, archive)
            if containers is not None:
                containers.load(archive)
            else:
                self._import(archive)
        return name

    def _import(self, archive: Path) -> None:
        command = [
            self.kind,
            *(part.format(archive=archive, cluster=self.cluster) for part in _PROGRAMS[self.kind]),
        ]
        if shutil.which(self.kind) is None:
            raise UnavailableError(f"{self.kind}, whose cluster this is, is not on the PATH")
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=LOAD_S
            )
        except subprocess.TimeoutExpired:
            raise RigError(f"{' '.join(command)}: took over {LOAD_S} s") from None
        if done.returncode:
            raise RigError(f"{' '.join(command)}: {done.stderr.strip()}")


def nodes_of(kubeconfig: Path, where: str = "") -> Nodes | None:
    """The nodes behind the current context of `kubeconfig`; None if images cannot be given to them.

    Args:
        where: `containerd:SOCKET` for a containerd on this machine, else the prefix of images in a
            registry, as in `registry.example/team`; by the context if empty.

    Raises:
        RigError: the kubeconfig cannot be read.
    """
    if where.startswith(CONTAINERD):
        return Nodes("containerd", where.removeprefix(CONTAINERD))
    if where:
        return Nodes("registry", where)
    try:
        context = str(yaml.safe_load(kubeconfig.read_text())["current-context"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise RigError(
            f"{kubeconfig}: expected a kubeconfig with a current context ({error})"
        ) from None
    if context == "minikube":
        return Nodes("minikube", context)
    for kind in ("kind", "k3d"):
        if context.startswith(f"{kind}-"):
            return Nodes(kind, context.removeprefix(f"{kind}-"))
    folder = kubeconfig.resolve().parent
    if (folder / FACTS).exists():
        return Nodes("containerd", str(Layout.read(folder).containerd_socket))
    return None


def give_image(kubeconfig: Path, where: str, repository: str, context: Path, file: Path) -> str:
    """Build the image `repository`, tagged by its content, and give it to the nodes; its name.

    Raises:
        UnavailableError: it cannot be built here, or cannot be given to that cluster.
        RigError: it does not build, or the nodes do not take it.
    """
    nodes = nodes_of(kubeconfig, where)
    if nodes is None:
        raise UnavailableError(
            f"{kubeconfig}: expected a context of kind, k3d or minikube; name a registry for images"
        )
    own = (kubeconfig.resolve().parent / FACTS).exists()
    builder = engine("buildah" if own else "")
    name = f"{repository}:{Dockerfile(file, context).key()}"
    builder.build(name, context, file)
    given = nodes.give(builder, name, images_folder())
    say(f"{given}: on the nodes")
    return given
