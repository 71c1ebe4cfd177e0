#!/usr/bin/env python3
"""Images for the rig, without a store of images: built here, and loaded.

    image.py build REPOSITORY CONTEXT [--file DOCKERFILE]    prints the name
    image.py load RIG NAME

The Dockerfile has `ARG BASE_IMAGE=debian:SUITE-slim` and `FROM ${BASE_IMAGE}`; it gets the same
Debian, made from packages. Its steps see this machine's sources of packages, and the image keeps
nothing of them. Pods use the printed name with `imagePullPolicy: Never`. Needs root.

Exit codes: 0; 3 and a reason on standard error where Debian or buildah cannot be had; 1 for all
else.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

import places
from base_image import base
from build_mounts import mounts
from buildah import Buildah
from console import ended, say
from containers import Containers
from debian_packages import NoDebianError
from dockerfile import Dockerfile
from errors import CannotBeHadError
from layout import Layout
from one_at_a_time import one_at_a_time

TURN_S: Final = 3000
"""For another build: two at once would share nothing of their work."""


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Images for the rig.")
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build")
    builder.add_argument("repository", help="as in localhost/media-pod")
    builder.add_argument("context", type=Path)
    builder.add_argument("--file", type=Path, help="CONTEXT/Dockerfile if not given")
    loader = commands.add_parser("load")
    loader.add_argument("rig", type=Path)
    loader.add_argument("name")
    given = parser.parse_args()
    if given.command == "load":
        return ended(lambda: load(given.rig, given.name))
    file = given.file or given.context / "Dockerfile"
    return ended(lambda: build(given.repository, given.context, file))


def build(repository: str, context: Path, file: Path) -> str:
    """The image's name.

    Raises:
        CannotBeHadError: no root, no Debian, no buildah.
        RigError: the Dockerfile is not there, has another base, or does not build.
    """
    if os.geteuid() != 0:
        raise CannotBeHadError("building images needs root")
    source, buildah = Dockerfile(file, context), Buildah()
    name = f"{repository}:{source.key()}"
    with one_at_a_time(places.kube() / "image.lock", "building an image", TURN_S):
        if buildah.has(name):
            return name
        say(f"building {name} ...")
        began = time.monotonic()
        try:
            options = (
                f"--build-arg=BASE_IMAGE={base(buildah, source.suite)}",
                *mounts(source.suite, places.images() / "mounts"),
            )
        except NoDebianError as error:
            raise CannotBeHadError(str(error)) from None
        buildah.build(name, context, file, *options)
    say(f"{name}: built in {time.monotonic() - began:.1f} s")
    return name


def load(rig: Path, name: str) -> str:
    """Give the image to the rig, unless it has it.

    Raises:
        RigError: no such rig, no such image.
    """
    containers = Containers(Layout.read(rig).containerd_socket)
    if name in containers.images():
        return ""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=places.images()) as scratch:
        archive = Path(scratch) / "image.tar"
        Buildah().save(name, archive)
        containers.load(archive)
    say(f"{name}: loaded in {time.monotonic() - began:.1f} s")
    return ""


if __name__ == "__main__":
    sys.exit(main())
