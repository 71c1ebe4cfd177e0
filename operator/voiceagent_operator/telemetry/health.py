"""What probes read: the last sign of life of each watch, and what a replica waits for."""

from collections.abc import Callable


class Heartbeats:
    """The last sign of life of every watch.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_s: dict[tuple[str, str], float] = {}

    def beat(self, watch: str, namespace: str = "") -> None:
        """The watch has received something from the API server; its first beat registers it.

        Args:
            watch: its name, such as the plural of what is watched.
            namespace: "" for all namespaces.
        """
        self._last_s[watch, namespace] = self._clock()

    def forget(self, watch: str) -> None:
        """The watch has ended, in all namespaces."""
        self._last_s = {each: last_s for each, last_s in self._last_s.items() if each[0] != watch}

    def silent_s(self) -> dict[str, float]:
        """Seconds since the last beat by watch name; the oldest of those with the same name."""
        now_s = self._clock()
        silent: dict[str, float] = {}
        for (watch, _), last_s in self._last_s.items():
            silent[watch] = max(silent.get(watch, 0.0), now_s - last_s)
        return silent


class Readiness:
    """Written by the leader, read by /readyz."""

    def __init__(self) -> None:
        self.waits_for = ""
        """What is missing and the next step, in one sentence; empty if the replica is ready."""
