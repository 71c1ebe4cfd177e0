"""Processes for long computations, which Ctrl-C ends at once."""

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from media_pod.pod.runtime import one_thread


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` processes with one thread of arithmetic each.

    They are spawned, because a forked process would inherit NumPy's threads in an undefined state.
    Jobs that have not begun when the block ends never do: a pool as a context manager would run
    them all, even after Ctrl-C.
    """
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_prepare)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare() -> None:
    """Ctrl-C, which a terminal sends to all processes, ends this one without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    one_thread()
