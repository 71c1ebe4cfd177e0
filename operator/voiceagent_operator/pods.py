"""What the operator has to know of a media pod, and what it writes on it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from voiceagent_operator import names
from voiceagent_operator.kube.kinds import Json

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, int | None]]]
"""Asks pods for their active calls, by host:port; None where nobody answers."""


@dataclass(frozen=True, slots=True)
class MediaPod:
    """One pod that runs."""

    name: str
    address: str
    """host:port of its HTTP API."""
    annotations: tuple[tuple[str, str | None], ...]
    """Those that the operator writes, as they are."""

    def differs(self, wanted: dict[str, str]) -> bool:
        """Whether any of its annotations is not as wanted."""
        there = dict(self.annotations)
        return any(there.get(key) != value for key, value in wanted.items())


_OURS = (names.MANIFEST_SEEN, names.DELETION_COST, names.SAFE_TO_EVICT)


def running(pods: Sequence[Json], http_port: int) -> list[MediaPod]:
    """The pods that have an address, those that are going included: they still have calls."""
    return [
        MediaPod(
            pod["metadata"]["name"],
            f"{pod['status']['podIP']}:{http_port}",
            tuple((key, pod["metadata"].get("annotations", {}).get(key)) for key in _OURS),
        )
        for pod in pods
        if pod["status"].get("podIP") and pod["status"].get("phase") == "Running"
    ]


def annotations_for(calls: int) -> dict[str, str]:
    """Scale-down takes the pod with the least cost; nodes with calls are not taken away."""
    return {names.DELETION_COST: str(calls), names.SAFE_TO_EVICT: "false" if calls else "true"}
