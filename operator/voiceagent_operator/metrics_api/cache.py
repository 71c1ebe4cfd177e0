"""Answers that are good for a while, and no more of them than there is room for."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """A cache by age; when it is full, the oldest answer goes.

    Args:
        max_age_s: how long an answer is good for.
        most: how many are kept.
        clock: monotonic time in seconds.
    """

    def __init__(self, max_age_s: float, most: int, clock: Callable[[], float]) -> None:
        self._max_age_s = max_age_s
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What was put in for `key`, unless that was too long ago."""
        found = self._kept.get(key)
        return found[1] if found and self._clock() - found[0] < self._max_age_s else None

    def put(self, key: K, value: V) -> None:
        """Remember `value` from now on."""
        self._kept.pop(key, None)
        self._kept[key] = (self._clock(), value)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
