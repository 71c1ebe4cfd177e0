"""A rig comes up, process by process, and goes away without leaving anything on the machine."""

import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Final

from rig import machine, pause_image
from rig.cache import exclusive, kube_folder, programs_folder
from rig.certificates import USERS, make_all, write_kubeconfig
from rig.console import RigError, say
from rig.containerd import Containers, containerd_command, write_containerd
from rig.control_plane import Api, api_server, controller_manager, etcd, scheduler
from rig.go import wanted
from rig.layout import FACTS, LONGEST_FOLDER, NODE, NUMBERS, Layout
from rig.node import (
    apply_dns,
    dns_command,
    dns_ready,
    kubelet_command,
    proxy_command,
    write_dns,
    write_kubelet,
    write_proxy,
)
from rig.processes import Processes, Waiting

PATIENCE_S: Final = 5
"""For processes that are asked to end."""
API_S, NODE_S, ACCOUNT_S, CONTAINERD_S, DNS_S = 90, 90, 30, 30, 30
"""How long each may take to be ready, on a busy machine."""
TURN_S: Final = 120
"""For another rig that starts: until it has started, its ports seem free."""
END_S: Final = 10
"""For an API server that is asked to end."""


def take_down(layout: Layout) -> None:
    """End what runs and undo what was changed; the rig's state stays in its folder.

    Only recorded processes are ended, and what containers they started.

    Raises:
        RigError: something is left.
    """
    ours = Processes(layout.folder / "processes", layout.logs)
    ours.stop(
        ("kubelet", "coredns", "kube-proxy", "kube-scheduler", "kube-controller-manager"),
        PATIENCE_S,
    )
    owner = machine.changed_by()
    changed = owner is not None and owner.folder == layout.folder
    if changed:
        containers = Containers(layout.containerd_socket)
        if layout.containerd_socket.exists() and containers.ready():
            containers.clear()
    ours.stop(("kube-apiserver", "containerd"), PATIENCE_S)
    ours.stop(("etcd",), PATIENCE_S)
    if changed:
        machine.undo(layout)
    left = [f"{process.name} (pid {process.pid})" for process in ours.alive()]
    left += machine.left(layout) if changed else []
    if left:
        raise RigError(f"left of {layout.folder}: {', '.join(left)}")
    ours.forget()


def processes(layout: Layout) -> Processes:
    """The rig's."""
    groups = machine.system_groups(layout)
    return Processes(layout.folder / "processes", layout.logs, groups)


def plan(folder: Path, node: bool) -> Layout:
    """A rig for `folder` whose ports and networks are free.

    Raises:
        RigError: `folder` cannot hold one, a program is missing, or there are too many rigs.
    """
    if len(str(folder)) > LONGEST_FOLDER:
        raise RigError(f"{folder} has over {LONGEST_FOLDER} characters: no room for sockets' names")
    files = [programs_folder() / program.name for program in wanted(node)]
    for file in (*files, *([pause_image.archive()] if node else [])):
        if not file.exists():
            raise RigError(f"{file} is missing; run `python3 tests/rig programs`")
    for number in NUMBERS:
        layout = Layout(folder, number, node, "", programs_folder())
        own = layout.gateway if node else _own_address()
        layout = Layout(folder, number, node, own, programs_folder())
        if _is_free(layout):
            return layout
    raise RigError(f"all {len(NUMBERS)} sets of ports and networks are in use on this machine")


def bring_up(layout: Layout) -> None:
    """From nothing, or with the state that an earlier rig left in the folder.

    Raises:
        RigError: something does not come up; whatever did is gone again.
    """
    began = time.monotonic()
    layout.folder.mkdir(parents=True, exist_ok=True)
    layout.write()
    up = False
    try:
        _start(layout)
        up = True
    finally:
        if not up:
            take_down(layout)
    say(f"Kubernetes is up in {time.monotonic() - began:.1f} s: {layout.kubeconfig}")


def start_api_server(layout: Layout) -> None:
    """Start it and wait until it serves.

    Raises:
        RigError: it does not.
    """
    ours = processes(layout)
    ours.start("kube-apiserver", api_server(layout))
    Waiting(ours).until("the API server", Api(layout).ready, API_S)


def _start(layout: Layout) -> None:
    make_all(layout)
    for user in USERS:
        write_kubeconfig(layout, user, layout.kubeconfig_of(user))
    write_kubeconfig(layout, "admin", layout.kubeconfig)
    if layout.node:
        machine.change(layout)
    ours = processes(layout)
    if layout.node:
        write_containerd(layout)
        ours.start("containerd", containerd_command(layout))
    ours.start("etcd", etcd(layout))
    start_api_server(layout)
    ours.start("kube-controller-manager", controller_manager(layout))
    ours.start("kube-scheduler", scheduler(layout))
    api, waiting = Api(layout), Waiting(ours)
    if layout.node:
        _start_node(layout, api, waiting)
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    waiting.until("the default service account", lambda: api.get(account) is not None, ACCOUNT_S)
    waiting.check()


def _start_node(layout: Layout, api: Api, waiting: Waiting) -> None:
    ours, began = processes(layout), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    containers = Containers(layout.containerd_socket)
    waiting.until("containerd", containers.ready, CONTAINERD_S)
    containers.clear()
    if pause_image.NAME not in containers.images():
        containers.load(pause_image.archive())
    write_kubelet(layout)
    ours.start("kubelet", kubelet_command(layout))
    write_proxy(layout)
    ours.start("kube-proxy", proxy_command(layout))
    write_dns(layout)
    apply_dns(layout, api)
    ours.start("coredns", dns_command(layout))
    waiting.until("the node", lambda: _node_is_ready(api, began), NODE_S)
    waiting.until("DNS", lambda: dns_ready(layout), DNS_S)


def _node_is_ready(api: Api, began: str) -> bool:
    """Whether pods can be put on it.

    In old state it has been ready all the time: only what it has said since `began` counts.
    """
    node = api.get(f"/api/v1/nodes/{NODE}")
    if node is None or node["spec"].get("taints"):
        return False
    return any(
        said["type"] == "Ready" and said["status"] == "True" and said["lastHeartbeatTime"] >= began
        for said in node["status"].get("conditions", ())
    )


def _is_free(layout: Layout) -> bool:
    if layout.node and (
        machine.is_used(layout.pod_network) or machine.is_used(layout.service_network)
    ):
        return False
    return all(_can_listen(port) for port in layout.ports.values())


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _own_address() -> str:
    """The machine's address towards others; loopback if it has no network.

    Endpoints may not be on loopback: there, no aggregated API server is reachable.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting sends nothing; 192.0.2.1 is unassigned (RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


def up(folder: Path, node: bool) -> str:
    """Bring up a rig in `folder`; its kubeconfig.

    Raises:
        RigError: it runs already, or does not come up.
    """
    if node and os.geteuid() != 0:
        raise RigError("a node needs root; use --no-node")
    with exclusive(kube_folder() / "rig.lock", "bringing up a rig", TURN_S):
        if (folder / FACTS).exists():
            _clear(Layout.read(folder))
        other = machine.changed_by()
        if node and other is not None:
            _clear(other)
        layout = plan(folder, node)
        bring_up(layout)
    return str(layout.kubeconfig)


def down(folder: Path, wipe: bool) -> str:
    """Take down the rig in `folder`.

    Raises:
        RigError: there is none, or something of it is left.
    """
    layout = Layout.read(folder)
    take_down(layout)
    if wipe:
        shutil.rmtree(folder)
    return ""


def restart_api_server(folder: Path, kill: bool) -> str:
    """End the API server, one way or the other, and start it with the state that it had.

    Raises:
        RigError: it does not come back.
    """
    layout = Layout.read(folder)
    sign = signal.SIGKILL if kill else signal.SIGTERM
    processes(layout).stop(("kube-apiserver",), END_S, sign)
    start_api_server(layout)
    return ""


def _clear(layout: Layout) -> None:
    """Make room where a rig died without having been taken down, by a reboot for example."""
    ours, owner = processes(layout), machine.changed_by()
    if ours.alive():
        raise RigError(f"the rig in {layout.folder} is up; take it down first")
    if ours.recorded() or (owner is not None and owner.folder == layout.folder):
        say(f"cleaning up after the rig in {layout.folder} ...")
        take_down(layout)
