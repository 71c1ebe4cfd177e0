"""A Kubernetes on this machine for tests and the demonstration, and programs beside it.

    python3 tests/rig programs [--no-node]   build Kubernetes into the user's cache; prints where
    python3 tests/rig up FOLDER [--no-node]  start it; prints the kubeconfig; see FOLDER/rig.json
    python3 tests/rig down FOLDER [--wipe]   with --wipe the folder goes too, else `up` continues
    python3 tests/rig restart-apiserver FOLDER [--kill]
    python3 tests/rig certificate FOLDER NAME [--names DNS:a,IP:b] [--subject /O=group/CN=user]
    python3 tests/rig give-image KUBECONFIG REPOSITORY CONTEXT [--file DOCKERFILE] [--images WHERE]
        build an image and give it to the nodes of any cluster (see nodes.py); prints its name
    python3 tests/rig asterisk | baresip | prometheus | jaeger   fetch or build; prints where
    python3 tests/rig voices   install Wyoming servers, a voice and a model; prints where
    python3 tests/rig pipecat  install pipecat; prints where
    python3 tests/rig models   install LiteLLM, llama.cpp and a language model; prints where

A rig has etcd, the API server, the controllers and the scheduler; for root also a node: containerd,
the kubelet, kube-proxy and CoreDNS. All of them listen on loopback or on a bridge of the rig's own.
Rigs can run side by side, but a machine has one with a node. Needs Linux and Python alone.

A Dockerfile has `ARG BASE_IMAGE=debian:SUITE-slim` and `FROM ${BASE_IMAGE}`. Buildah, which builds
for the rig and needs root, gives it the same Debian, made from packages.

Exit codes: 0 and the result on standard output; 3 and a reason on standard error where this machine
cannot provide it, for callers that then skip; 1 for all other failures.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.certificates import issue
from rig.console import run
from rig.debian_programs import PROGRAMS, fetch
from rig.layout import Layout
from rig.lifecycle import down, restart_api_server, up
from rig.models import install_models
from rig.nodes import give_image
from rig.pipecat_environment import install_pipecat
from rig.programs import build_jaeger, build_programs
from rig.voices import install_voices


def main() -> int:
    """See the module."""
    given = _parser().parse_args()
    return run(lambda: _result(given))


def _result(given: argparse.Namespace) -> str:
    match given.command:
        case "programs":
            return build_programs(not given.no_node)
        case "up":
            return up(given.folder, node=not given.no_node)
        case "down":
            return down(given.folder, wipe=given.wipe)
        case "restart-apiserver":
            return restart_api_server(given.folder, kill=given.kill)
        case "certificate":
            subject = given.subject or f"/CN={given.name}"
            paths = issue(Layout.read(given.folder), given.name, given.names, subject)
            return "\n".join(map(str, paths))
        case "give-image":
            file = given.file or given.context / "Dockerfile"
            return give_image(given.kubeconfig, given.images, given.repository, given.context, file)
        case "jaeger":
            return build_jaeger()
        case "voices":
            return install_voices()
        case "pipecat":
            return install_pipecat()
        case "models":
            return install_models()
        case program:
            return fetch(PROGRAMS[program])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rig", description="A Kubernetes on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in ("programs", "give-image", "jaeger", "voices", "pipecat", "models", *PROGRAMS):
        commands.add_parser(name)
    for name in ("up", "down", "restart-apiserver", "certificate"):
        commands.add_parser(name).add_argument("folder", type=lambda text: Path(text).resolve())
    choices = commands.choices
    for name in ("programs", "up"):
        choices[name].add_argument("--no-node", action="store_true", help="the control plane alone")
    choices["down"].add_argument("--wipe", action="store_true")
    choices["restart-apiserver"].add_argument("--kill", action="store_true")
    choices["certificate"].add_argument("name")
    choices["certificate"].add_argument("--names", default="")
    choices["certificate"].add_argument("--subject")
    choices["give-image"].add_argument("kubeconfig", type=Path)
    choices["give-image"].add_argument("repository", help="as in localhost/media-pod")
    choices["give-image"].add_argument("context", type=Path)
    choices["give-image"].add_argument("--file", type=Path, help="CONTEXT/Dockerfile by default")
    choices["give-image"].add_argument("--images", default="", help="registry or containerd:SOCKET")
    return parser


if __name__ == "__main__":
    sys.exit(main())
