"""What a node changes of the machine, and how that is undone.

A bridge for the pods, settings of the kernel, tables of the packet filter, control groups, mounts,
and folders that the kubelet and the container runtime always make outside the rig.
"""

import ipaddress
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from rig.console import RigError
from rig.containerd import containerd_state
from rig.layout import Layout
from rig.node import TABLES, kubelet_state

RECORD: Final = Path("/run/interject-node-rig.json")
"""How the machine was, and whose rig changed it: there is one with a node at a time. A reboot
removes the record as well as the changes."""
SYSCTLS: Final = (
    "net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic",
    "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
)  # fmt: skip
"""What the kubelet and the bridge set."""
FOLDERS: Final = ("/var/lib/cni", "/var/lib/kubelet", "/run/containerd", "/var/log/containers")
"""What is made outside the rig."""
CGROUPS: Final = Path("/sys/fs/cgroup")
SYSTEM: Final = "interject-rig"
"""The control group of the rig's own processes: one share of the processors for all of them,
beside that of all pods, as on other nodes."""
COMMAND_S: Final = 20
"""Deadline."""
KILLS: Final = 50
KILL_PAUSE_S: Final = 0.1


def change(layout: Layout) -> None:
    """Prepare the machine for a node, after having written down how it was.

    Raises:
        RigError: it is a node of Kubernetes already.
    """
    if _has_tables() or _cgroups("kubepods"):
        raise RigError("this machine is a node of a Kubernetes already; use --no-node")
    before = {
        "layout": layout.fields(),
        "sysctls": {name: _sysctl(name).read_text() for name in SYSCTLS if _sysctl(name).exists()},
        "made": [folder for folder in FOLDERS if not Path(folder).exists()],
    }
    RECORD.write_text(json.dumps(before))
    for hierarchy in (CGROUPS, CGROUPS / "cpu"):
        if (hierarchy / "cgroup.procs").exists():
            (hierarchy / SYSTEM).mkdir(exist_ok=True)
    _run("ip", "link", "add", layout.bridge, "type", "bridge")
    _run("ip", "address", "add", f"{layout.gateway}/24", "dev", layout.bridge)
    _run("ip", "link", "set", layout.bridge, "up")
    _sysctl("net/ipv4/ip_forward").write_text("1")


def system_groups(layout: Layout) -> list[Path]:
    """Where the rig's own processes belong; nowhere if it has no node."""
    return _cgroups(SYSTEM) if layout.node else []


def changed_by() -> Layout | None:
    """The rig whose changes are not undone; its folder may be gone."""
    try:
        return Layout.of(json.loads(RECORD.read_text())["layout"])
    except FileNotFoundError:
        return None


def undo(layout: Layout) -> None:
    """Make the machine what it was; all processes of the rig but pods' have ended."""
    _end_pods(layout)
    for mount in _mounts(layout.folder):
        if _try("umount", str(mount)).returncode:
            _try("umount", "--lazy", str(mount))
    for folder in (containerd_state(layout), Path(kubelet_state(layout), "pods"),
                   layout.folder / "cni-addresses"):  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
    _try("ip", "link", "delete", layout.bridge)
    for family, table in TABLES:
        _try("nft", "delete", "table", family, table)
    for group in (*_cgroups("kubepods"), *_cgroups("k8s.io"), *_cgroups(SYSTEM)):
        _remove_group(group)
    before = json.loads(RECORD.read_text())
    for name, value in before["sysctls"].items():
        if _sysctl(name).read_text() != value:
            _sysctl(name).write_text(value)
    for folder in before["made"]:
        shutil.rmtree(folder, ignore_errors=True)
    if not left(layout):
        RECORD.unlink()


def left(layout: Layout) -> list[str]:
    """What `undo` has not undone."""
    found = [f"mount {mount}" for mount in _mounts(layout.folder)]
    groups = (*_cgroups("kubepods"), *_cgroups(SYSTEM))
    found += [f"control group {group}" for group in groups]
    if Path("/sys/class/net", layout.bridge).exists():
        found.append(f"bridge {layout.bridge}")
    if _has_tables():
        found.append("the packet filter's table kube-proxy")
    return found


def is_used(network: str) -> bool:
    """Whether the machine has a route into `network` other than its default one."""
    ours = ipaddress.ip_network(network)
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        fields = line.split()
        # Little endian, as the kernel has them.
        address, mask = (bytes.fromhex(fields[column])[::-1] for column in (1, 7))
        route = ipaddress.ip_network((address, int.from_bytes(mask).bit_count()), strict=False)
        if route.prefixlen and route.overlaps(ours):
            return True
    return False


def _end_pods(layout: Layout) -> None:
    """Kill what is left of containers: their keepers, and what runs in their control groups."""
    address = str(layout.containerd_socket)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "containerd-shim" in command[0] and address in command:
            _kill(int(folder.name))
    for _ in range(KILLS):
        pids = {
            int(pid) for group in _cgroups("kubepods") for file in group.rglob("cgroup.procs")
            for pid in file.read_text().split()
        }  # fmt: skip
        if not pids:
            return
        for pid in pids:
            _kill(pid)
        time.sleep(KILL_PAUSE_S)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _mounts(folder: Path) -> list[Path]:
    """Those below `folder`, the deepest first."""
    points = [Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted((point for point in points if folder in point.parents), reverse=True)


def _cgroups(name: str) -> list[Path]:
    """The control groups `name` of the first level, in every hierarchy."""
    return [group for group in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")) if group.is_dir()]


def _remove_group(group: Path) -> None:
    for folder in sorted((group, *(p for p in group.rglob("*") if p.is_dir())), reverse=True):
        try:
            folder.rmdir()
        except OSError:
            # A process still runs in it; `left` reports the group.
            continue


def _has_tables() -> bool:
    return any(_try("nft", "list", "table", *table).returncode == 0 for table in TABLES)


def _sysctl(name: str) -> Path:
    return Path("/proc/sys", name)


def _run(*command: str) -> None:
    done = _try(*command)
    if done.returncode:
        raise RigError(f"{' '.join(command)}: {done.stderr.strip()}")


def _try(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=COMMAND_S
        )
    except FileNotFoundError:
        raise RigError(
            f"{command[0]} is missing; `python3 tests/rig programs` installs it"
        ) from None
