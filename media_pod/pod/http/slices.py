"""Long answers, made on the event loop between its other work.

The clock ticks on this loop. Work on another thread would hold it up no less: both need the
interpreter's lock, which a thread gives up every 5 ms (decision 0024 has what was measured).
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

SLICE_S: Final = 0.0001
"""Work at a time, and the part at its end: a tick may come later by two of them."""


async def in_slices(parts: Iterator[T], now: Callable[[], float] = time.perf_counter) -> list[T]:
    """All of `parts`, of which each should take less than half a millisecond to make.

    Args:
        parts: lazy; what they are made from may change between two of them.
        now: monotonic time in seconds.
    """
    made = []
    until_s = now() + SLICE_S
    for part in parts:
        made.append(part)
        if now() >= until_s:
            await asyncio.sleep(0)
            until_s = now() + SLICE_S
    return made
