"""A rig goes away, and nothing of it is left on the machine."""

from typing import Final

import machine
from containers import Containers
from errors import RigError
from layout import Layout
from processes import Processes

PATIENCE_S: Final = 5
"""For processes that are asked to end."""


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
