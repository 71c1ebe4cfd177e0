"""Images for the rig without a registry: built here, keyed by their content, and loaded."""

import hashlib
import os
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rig.base_image import base
from rig.buildah import Buildah, mounts
from rig.cache import exclusive, images_folder, kube_folder
from rig.console import RigError, UnavailableError, say
from rig.debian import NoDebianError

BASE: Final = re.compile(r"^ARG BASE_IMAGE=debian:([a-z]+)-slim$", re.MULTILINE)
"""The line that says on which Debian it is built."""
CONTINUED: Final = re.compile(r"\\\n\s*")
NOT_COPIED: Final = "__pycache__"
"""The .dockerignore leaves these out."""
TURN_S: Final = 3000
"""For another build: two at once would share nothing of their work."""


class Dockerfile:
    """One of this project, whose sources lie in `context`.

    Raises:
        RigError: it is not there, or has another base.
    """

    def __init__(self, file: Path, context: Path) -> None:
        try:
            self._text = file.read_text()
        except FileNotFoundError:
            raise RigError(f"{file} is missing") from None
        base = BASE.search(self._text)
        if base is None:
            raise RigError(f"{file}: expected a line `ARG BASE_IMAGE=debian:SUITE-slim`")
        self.suite = base[1]
        self._context = context

    def key(self) -> str:
        """Of its text and of all that it copies: what is the same has the same key."""
        digest = hashlib.sha256(self._text.encode())
        for file in sorted(self._files()):
            digest.update(f"{file.relative_to(self._context)} {file.stat().st_mode:o}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:12]

    def _files(self) -> Iterator[Path]:
        for source in self._sources():
            for path in self._context.glob(source):
                inside = path.rglob("*") if path.is_dir() else (path,)
                yield from (p for p in inside if p.is_file() and NOT_COPIED not in p.parts)

    def _sources(self) -> Iterator[str]:
        for line in CONTINUED.sub(" ", self._text).splitlines():
            instruction, *words = shlex.split(line, comments=True) or [""]
            if instruction == "COPY" and not any(word.startswith("--from=") for word in words):
                yield from (word for word in words[:-1] if not word.startswith("--"))


def build_image(repository: str, context: Path, file: Path) -> str:
    """The image's name.

    Raises:
        UnavailableError: no root, no Debian, no buildah.
        RigError: the Dockerfile is not there, has another base, or does not build.
    """
    if os.geteuid() != 0:
        raise UnavailableError("building images needs root")
    source, buildah = Dockerfile(file, context), Buildah()
    name = f"{repository}:{source.key()}"
    if buildah.has(name):
        return name
    with exclusive(kube_folder() / "image.lock", "building an image", TURN_S):
        if buildah.has(name):  # another process has built it meanwhile
            return name
        say(f"building {name} ...")
        began = time.monotonic()
        try:
            options = (
                f"--build-arg=BASE_IMAGE={base(buildah, source.suite)}",
                *mounts(source.suite, images_folder() / "mounts"),
            )
        except NoDebianError as error:
            raise UnavailableError(str(error)) from None
        buildah.build(name, context, file, *options)
    say(f"{name}: built in {time.monotonic() - began:.1f} s")
    return name
