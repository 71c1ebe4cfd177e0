#!/usr/bin/env python3
"""Builds the images of media pods, the operator and Asterisk, and gives them to a cluster's nodes.

    make_images.py [--engine docker|podman|buildah] [--kubeconfig FILE | --push REGISTRY/PREFIX]
        [--values FILE]

With neither of the two they are built alone. The values say to the chart which images those are:
`helm install interject charts/interject --values FILE`. What has not changed is not built again.

Exit codes: 0 and a table; 3 and a reason on standard error where images cannot be built; 1 for all
else.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import yaml

from rig.cache import cache_folder
from rig.console import run, say
from rig.engines import Engine, engine
from rig.images import Dockerfile
from rig.nodes import Nodes, nodes_of

ROOT: Final = Path(__file__).resolve().parents[1]
REPOSITORY: Final = "localhost/interject"
FILES: Final = {
    "media-pod": "media_pod/Dockerfile",
    "operator": "operator/Dockerfile",
    "asterisk": "asterisk-image/Dockerfile",
}
_KEYS: Final = {
    "operator": ("operator", "image"),
    "media-pod": ("operator", "mediaImage"),
    "asterisk": ("asterisk", "image"),
}
"""Where the chart's values have them."""


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Builds Interject's images.")
    parser.add_argument("--engine", default="", choices=["", "docker", "podman", "buildah"])
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--kubeconfig", type=Path, help="cluster whose nodes get them")
    target.add_argument("--push", default="", help="registry and prefix, as in registry/team")
    parser.add_argument("--values", type=Path, default=ROOT / "out" / "images.yaml")
    given = parser.parse_args()
    return run(lambda: make(engine(given.engine), given.kubeconfig, given.push, given.values))


def make(builder: Engine, kubeconfig: Path | None, push: str, values: Path) -> str:
    """Build all of them, push or load them, and write the chart's values.

    Raises:
        RigError: one of them does not build, or does not reach the nodes.
    """
    names = {part: _name(part) for part in FILES}
    for part, name in names.items():
        began = time.monotonic()
        say(f"{name} by {builder.name} ...")
        builder.build(name, ROOT, ROOT / FILES[part])
        say(f"{name}: there after {time.monotonic() - began:.0f} s")
    nodes = _nodes(kubeconfig, push)
    given = names if nodes is None else _given(nodes, builder, names)
    values.parent.mkdir(parents=True, exist_ok=True)
    values.write_text(yaml.safe_dump(chart_values(given)))
    sizes = [f"{builder.size(name):>9}  {name}" for name in names.values()]
    return "\n".join([*sizes, _next_step(values, kubeconfig is not None, nodes is not None)])


def _nodes(kubeconfig: Path | None, push: str) -> Nodes | None:
    if push:
        return Nodes("registry", push)
    return None if kubeconfig is None else nodes_of(kubeconfig)


def _given(nodes: Nodes, builder: Engine, names: dict[str, str]) -> dict[str, str]:
    """The names by which pods use the images `names`, by part, once the nodes can have them."""
    scratch = cache_folder()
    scratch.mkdir(parents=True, exist_ok=True)
    given = {}
    for part, name in names.items():
        say(f"{name} to {nodes.kind} {nodes.cluster} ...")
        given[part] = nodes.give(builder, name, scratch)
    return given


def chart_values(names: dict[str, str]) -> dict[str, dict[str, dict[str, str]]]:
    """The values of the chart that use the images `names`, by part."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for part, name in names.items():
        section, key = _KEYS[part]
        repository, _, tag = name.rpartition(":")
        found.setdefault(section, {})[key] = {
            "repository": repository, "tag": tag, "pullPolicy": "IfNotPresent",
        }  # fmt: skip
    return found


def _name(part: str) -> str:
    return f"{REPOSITORY}-{part}:{Dockerfile(ROOT / FILES[part], ROOT).key()}"


def _next_step(values: Path, cluster: bool, loaded: bool) -> str:
    shown = values.relative_to(ROOT) if values.is_relative_to(ROOT) else values
    if cluster and not loaded:
        return (
            "the cluster is none of kind, k3d, minikube or the tests' rig: push the images to a "
            "registry that its nodes reach, with make images PUSH=registry.example.com/team"
        )
    return f"helm install interject charts/interject --values {shown}"


if __name__ == "__main__":
    sys.exit(main())
