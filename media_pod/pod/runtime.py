"""What commands of the command line have in common: an event loop and one thread of arithmetic."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The environment of such a process. Threads that share a core with the clock only add jitter."""
_MALLOPT: Final = {-3: 1 << 30, -1: (1 << 31) - 1, -2: 64 << 20}
"""M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD: arrays of a tick are not given back to the system
and faulted in again fifty times a second."""


def one_thread() -> None:
    """Make this process such a one, and those it starts; to be called before NumPy is imported."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    keep_memory()


def keep_memory() -> None:
    """Let the allocator keep what is freed; without effect where it is not glibc's."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            for parameter, value in _MALLOPT.items():
                libc.mallopt(parameter, value)
