"""The user's cache (XDG): its folders, and locks for writing there. All of it can be rebuilt."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rig.console import RigError, say

POLL_S: Final = 0.2


def cache_folder() -> Path:
    """This project's folder there; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "interject"


def kube_folder() -> Path:
    """What belongs to Kubernetes; made if missing."""
    return _made(cache_folder() / "kube")


def programs_folder() -> Path:
    """Kubernetes' programs."""
    return _made(kube_folder() / "bin")


def sources_folder() -> Path:
    """The Go modules that the programs are built from."""
    return _made(kube_folder() / "src")


def images_folder() -> Path:
    """Images: archives, and buildah's store."""
    return _made(kube_folder() / "images")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def exclusive(lock: Path, what: str, patience_s: float) -> Iterator[None]:
    """Hold `lock`, a file; its holder's death frees it.

    Raises:
        RigError: another process held it for more than `patience_s`.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        _acquire(file.fileno(), what, time.monotonic() + patience_s)
        yield


def _acquire(descriptor: int, what: str, deadline: float) -> None:
    waiting = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RigError(f"another process has been {what} for too long") from None
            if not waiting:
                say(f"another process is {what}; waiting for it ...")
            waiting = True
            time.sleep(POLL_S)
        else:
            return
