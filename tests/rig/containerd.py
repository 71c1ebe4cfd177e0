"""The container runtime: its configuration, the pods' network, and its own client."""

import json
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Final

from rig import pause_image
from rig.cache import images_folder
from rig.console import RigError
from rig.layout import Layout

CNI_PROGRAMS: Final = "/usr/lib/cni"
CALL_S: Final = 30
LOAD_S: Final = 600
"""Deadlines."""
REMOVALS: Final = 20
REMOVAL_PAUSE_S: Final = 0.1
"""A killed process is not gone at once."""


def image_store() -> Path:
    """Where images are kept, for one rig after the other: loading a large one takes half a minute.

    A machine has one rig with a node at most, so no other process uses it.
    """
    return images_folder() / "containerd"


def containerd_state(layout: Layout) -> Path:
    """Where containers are mounted."""
    return layout.folder / "containerd"


def write_containerd(layout: Layout) -> None:
    """Its configuration files."""
    networks = layout.folder / "cni"
    networks.mkdir(exist_ok=True)
    bridge = {
        "type": "bridge",
        "bridge": layout.bridge,
        "isGateway": True,
        # A pod may reach itself through a Service.
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": layout.pod_network}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(layout.folder / "cni-addresses"),
        },
    }
    network = {"cniVersion": "1.0.0", "name": "rig", "plugins": [bridge]}
    (networks / "10-rig.conflist").write_text(json.dumps(network, indent=2))
    (layout.folder / "containerd.toml").write_text(_configuration(layout, networks))


def containerd_command(layout: Layout) -> list[str]:
    """What starts it."""
    return ["containerd", "--config", str(layout.folder / "containerd.toml")]


def _configuration(layout: Layout, networks: Path) -> str:
    unused = [
        f'"io.containerd.snapshotter.v1.{name}"' for name in ("aufs", "btrfs", "devmapper", "zfs")
    ]
    cri = "io.containerd.grpc.v1.cri"
    return f"""version = 2
root = "{image_store()}"
state = "{containerd_state(layout)}"
oom_score = 0
disabled_plugins = [{", ".join(unused)}]

[grpc]
address = "{layout.containerd_socket}"
[ttrpc]
address = "{layout.containerd_socket}.ttrpc"

[plugins."{cri}"]
sandbox_image = "{pause_image.NAME}"
# In many sandboxes even root may not lower an oom_score_adj.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
disable_tcp_service = true
stream_server_address = "127.0.0.1"

[plugins."{cri}".cni]
bin_dir = "{CNI_PROGRAMS}"
conf_dir = "{networks}"

[plugins."{cri}".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."{cri}".containerd.runtimes.runc.options]
BinaryName = "{shutil.which("runc") or "runc"}"
"""


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
