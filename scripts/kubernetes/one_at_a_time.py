"""Work that two processes must not do at once: the second one waits for the first."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from console import say
from errors import RigError

LOOK_S: Final = 0.2


@contextmanager
def one_at_a_time(lock: Path, what: str, patience_s: float) -> Iterator[None]:
    """Hold `lock`, a file; its holder's death frees it.

    Raises:
        RigError: somebody else had it for more than `patience_s`.
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
            time.sleep(LOOK_S)
        else:
            return
