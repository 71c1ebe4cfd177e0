"""A bounded cache whose entries expire."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """A cache with a maximum age; when it is full, the oldest entry is removed.

    Args:
        max_age_s: lifetime of an entry.
        most: maximum number of entries.
        clock: monotonic time in seconds.
    """

    def __init__(self, max_age_s: float, most: int, clock: Callable[[], float]) -> None:
        self._max_age_s = max_age_s
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of `key`, unless it has expired."""
        found = self._kept.get(key)
        return found[1] if found and self._clock() - found[0] < self._max_age_s else None

    def put(self, key: K, value: V) -> None:
        """Store `value`, valid from now."""
        self._kept.pop(key, None)
        self._kept[key] = (self._clock(), value)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
