"""When each watch last showed that it lives. The watches write, probes and metrics read."""

from collections.abc import Callable


class Heartbeats:
    """The last sign of life of every watch.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_s: dict[tuple[str, str], float] = {}

    def beat(self, kind: str, namespace: str = "") -> None:
        """The watch has heard from the API server; its first beat makes it known.

        Args:
            kind: what is watched, in the plural.
            namespace: where; "": everywhere.
        """
        self._last_s[kind, namespace] = self._clock()

    def silent_s(self) -> dict[str, float]:
        """For how long the most silent watch of each kind has been silent."""
        now_s = self._clock()
        silent: dict[str, float] = {}
        for (kind, _), last_s in self._last_s.items():
            silent[kind] = max(silent.get(kind, 0.0), now_s - last_s)
        return silent
