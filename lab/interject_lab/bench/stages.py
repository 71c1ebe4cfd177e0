"""How long each part of a loop keeps its thread busy, without a word of that in the parts."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

OUTSIDE: Final = "event loop"
"""What runs while none of the watched methods does."""


class Stages:
    """Charges the time of one thread to the innermost watched method that is running.

    Args:
        now_ns: CPU time of the thread, in ns.
    """

    def __init__(self, now_ns: Callable[[], int] = time.thread_time_ns) -> None:
        self._now_ns = now_ns
        self._spent_ns: dict[str, int] = defaultdict(int)
        self._stage = OUTSIDE
        self._since_ns = now_ns()

    def watch(self, owner: object, method: str, stage: str) -> None:
        """From now on, charge `owner.method` to `stage`; it must be called and not awaited."""
        inner = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            before = self._enter(stage)
            try:
                return inner(*args, **kwargs)
            finally:
                self._enter(before)

        setattr(owner, method, timed)

    def take(self) -> dict[str, int]:
        """What each stage was charged since the last `take`, in ns."""
        self._enter(self._stage)
        spent, self._spent_ns = self._spent_ns, defaultdict(int)
        return dict(spent)

    def _enter(self, stage: str) -> str:
        now_ns = self._now_ns()
        self._spent_ns[self._stage] += now_ns - self._since_ns
        before, self._stage, self._since_ns = self._stage, stage, now_ns
        return before
