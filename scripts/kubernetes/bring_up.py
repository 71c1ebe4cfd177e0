"""A rig comes up: its processes in their order, each waited for as far as the next one needs it."""

import socket
import time
from pathlib import Path

import containerd
import dns
import kube_proxy
import kubeconfig
import kubelet
import machine
import pause_image
import places
from api import Api
from certificates import USERS, make_all
from console import say
from containers import Containers
from control_plane import api_server, controller_manager, etcd, scheduler
from errors import RigError
from layout import LONGEST_FOLDER, NODE, NUMBERS, Layout
from processes import Processes
from programs import wanted
from take_down import take_down
from waiting import Waiting

API_S, NODE_S, ACCOUNT_S, CONTAINERD_S, DNS_S = 90, 90, 30, 30, 30
"""How long each may take to be ready, on a busy machine."""


def processes(layout: Layout) -> Processes:
    """The rig's."""
    groups = machine.system_groups(layout)
    return Processes(layout.folder / "processes", layout.logs, groups)


def plan(folder: Path, node: bool) -> Layout:
    """A rig for `folder` whose ports and networks nobody uses.

    Raises:
        RigError: `folder` cannot hold one, a program is missing, or there are too many rigs.
    """
    if len(str(folder)) > LONGEST_FOLDER:
        raise RigError(f"{folder} has over {LONGEST_FOLDER} characters: no room for sockets' names")
    for program in wanted(node):
        if not (places.programs() / program.name).exists():
            raise RigError(f"{program.name} is missing in {places.programs()}; run get.py first")
    for number in NUMBERS:
        layout = Layout(folder, number, node, "", places.programs())
        own = layout.gateway if node else _own_address()
        layout = Layout(folder, number, node, own, places.programs())
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
        kubeconfig.write(layout, user, layout.kubeconfig_of(user))
    kubeconfig.write(layout, "admin", layout.kubeconfig)
    if layout.node:
        machine.change(layout)
    ours = processes(layout)
    if layout.node:
        containerd.write(layout)
        ours.start("containerd", containerd.command(layout))
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
    kubelet.write(layout)
    ours.start("kubelet", kubelet.command(layout))
    kube_proxy.write(layout)
    ours.start("kube-proxy", kube_proxy.command(layout))
    dns.write(layout)
    dns.apply(layout, api)
    ours.start("coredns", dns.command(layout))
    waiting.until("the node", lambda: _node_is_ready(api, began), NODE_S)
    waiting.until("DNS", lambda: dns.ready(layout), DNS_S)


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

    Endpoints may not be on loopback, so there nobody can be an API server behind this one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting sends nothing; 192.0.2.1 is nobody's (RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address
