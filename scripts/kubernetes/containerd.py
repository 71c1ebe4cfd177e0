"""The container runtime: its configuration, and the network that it gives to pods."""

import json
import shutil
from pathlib import Path
from typing import Final

import pause_image
import places
from layout import Layout

CNI_PROGRAMS: Final = "/usr/lib/cni"


def store() -> Path:
    """Where images are kept, for one rig after the other: loading a large one takes half a minute.

    A machine has one rig with a node at most, so nobody shares it.
    """
    return places.images() / "containerd"


def state(layout: Layout) -> Path:
    """Where containers are mounted."""
    return layout.folder / "containerd"


def write(layout: Layout) -> None:
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


def command(layout: Layout) -> list[str]:
    """What starts it."""
    return ["containerd", "--config", str(layout.folder / "containerd.toml")]


def _configuration(layout: Layout, networks: Path) -> str:
    unused = [
        f'"io.containerd.snapshotter.v1.{name}"' for name in ("aufs", "btrfs", "devmapper", "zfs")
    ]
    cri = "io.containerd.grpc.v1.cri"
    return f"""version = 2
root = "{store()}"
state = "{state(layout)}"
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
