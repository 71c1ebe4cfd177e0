"""A queue of keys to reconcile: deduplicated, rate-limited, and retried with backoff.

Rules, as in the controllers of Kubernetes itself:
- a key that is already in the queue is not added twice;
- a key that is added while it is processed is processed once more afterwards;
- a key is processed at most every `spacing_s`: one reconcile covers a burst of events;
- a key that failed is retried after a pause that doubles up to `MOST_PAUSE_S`.

Bounded by the number of keys.
"""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

FIRST_PAUSE_S: Final = 0.5
MOST_PAUSE_S: Final = 30.0
_SPACING_S: Final = 0.3

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """See above.

    Args:
        now: monotonic time in seconds, the event loop's own unless a test brings another.
    """

    def __init__(self, now: Callable[[], float], spacing_s: float = _SPACING_S) -> None:
        self._now = now
        self._spacing_s = spacing_s
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = 0
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._last: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Number of waiting keys."""
        return len(self._due)

    def add(self, key: K, after_s: float = 0.0) -> None:
        """Enqueue `key`, due in `after_s` seconds at the latest, the spacing permitting."""
        if key in self._working:
            self._again.add(key)
            return
        due = max(self._now() + after_s, self._last.get(key, -self._spacing_s) + self._spacing_s)
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, key))
        self._changed.set()

    async def take(self) -> K:
        """Wait for the next due key; `done` or `failed` has to follow."""
        while True:
            self._changed.clear()
            wait_s = self._until_due()
            if wait_s is not None and wait_s <= 0:
                due, _, key = heapq.heappop(self._heap)
                if self._due.get(key) != due:
                    continue  # superseded by an earlier due time
                del self._due[key]
                self._working.add(key)
                return key
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: K, again_after_s: float | None = None) -> None:
        """`key` was processed; `again_after_s` enqueues it again."""
        self._failures.pop(key, None)
        self._finish(key, again_after_s)

    def failed(self, key: K, retry_after_s: float | None = None) -> None:
        """`key` failed; `retry_after_s` is the minimum pause, from a Retry-After header."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause_s = min(FIRST_PAUSE_S * 2 ** min(failures, 10), MOST_PAUSE_S)
        self._again.discard(key)
        self._finish(key, max(pause_s, retry_after_s or 0.0))

    def forget(self, key: K) -> None:
        """Drop the state of a deleted `key`."""
        self._last.pop(key, None)
        self._failures.pop(key, None)

    def _finish(self, key: K, again_after_s: float | None) -> None:
        self._working.discard(key)
        self._last[key] = self._now()
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        elif again_after_s is not None:
            self.add(key, again_after_s)

    def _until_due(self) -> float | None:
        return self._heap[0][0] - self._now() if self._heap else None
