#!/usr/bin/env python3
"""A real Kubernetes on this machine, in one folder: up, down, and what tests ask of it.

    rig.py up FOLDER [--no-node]      prints the kubeconfig; FOLDER/rig.json has more, for programs
    rig.py down FOLDER [--wipe]       with --wipe the folder goes too, else `up` continues from it
    rig.py restart-apiserver FOLDER [--kill]
    rig.py certificate FOLDER NAME [--names DNS:a,IP:b] [--subject /O=group/CN=user]

It has etcd, the API server, the controllers, the scheduler, and, for root, a node: containerd, the
kubelet, kube-proxy and CoreDNS. All of them listen on loopback or on a bridge of the rig's own.
Rigs live side by side, but a machine has one with a node.

Exit codes: 0; 1 and one line on standard error.
"""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

import machine
import places
from bring_up import bring_up, plan, processes, start_api_server
from certificates import issue
from console import ended, say
from errors import RigError
from layout import FACTS, Layout
from one_at_a_time import one_at_a_time
from take_down import take_down

TURN_S: Final = 120
"""For another rig that is coming up: until then its ports look free."""
END_S: Final = 10
"""For an API server that is asked to end."""


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="A real Kubernetes on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "restart-apiserver", "certificate"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=lambda text: Path(text).resolve())
    commands.choices["up"].add_argument("--no-node", action="store_true")
    commands.choices["down"].add_argument("--wipe", action="store_true")
    commands.choices["restart-apiserver"].add_argument("--kill", action="store_true")
    commands.choices["certificate"].add_argument("name")
    commands.choices["certificate"].add_argument("--names", default="")
    commands.choices["certificate"].add_argument("--subject")
    return ended(lambda: _run(parser.parse_args()))


def _run(given: argparse.Namespace) -> str:
    folder: Path = given.folder
    match given.command:
        case "up":
            return up(folder, node=not given.no_node)
        case "down":
            return down(folder, wipe=given.wipe)
        case "restart-apiserver":
            return restart_api_server(folder, kill=given.kill)
        case _:
            subject = given.subject or f"/CN={given.name}"
            paths = issue(Layout.read(folder), given.name, given.names, subject)
            return "\n".join(map(str, paths))


def up(folder: Path, node: bool) -> str:
    """Bring up a rig in `folder`; its kubeconfig.

    Raises:
        RigError: it runs already, or does not come up.
    """
    if node and os.geteuid() != 0:
        raise RigError("a node needs root; use --no-node")
    with one_at_a_time(places.kube() / "rig.lock", "bringing up a rig", TURN_S):
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


if __name__ == "__main__":
    sys.exit(main())
