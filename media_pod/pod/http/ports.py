"""What the HTTP API asks of a pod. `media_pod.pod.pod` answers it; tests answer it without one."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final, Protocol

from media_pod.call.event_bus import EventBus
from media_pod.calls.answers import Next
from media_pod.dialogues.ports import CallInfo
from media_pod.manifest.active import ManifestView

JsonValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class CallView:
    """One call that holds a slot, as /api/calls shows it."""

    uuid: str
    slot: int
    state: str
    """`reserved` or `connected`; `done` between the goodbye and the end of file."""
    from_number: str
    to_number: str
    age_seconds: float
    """Since its reservation."""
    turn: str = ""
    """State of the conversation, "" before the connection."""
    decision: str = ""
    reason: str = ""
    """Why the latest decision is what it is."""
    delay_ms: float = math.nan
    """Where the echo is; NaN when unknown."""
    delay_confidence: float = 0.0
    erle_db: float = math.nan
    """Echo return loss enhancement; NaN when unknown."""

    def as_json(self) -> dict[str, JsonValue]:
        """The fields by name; null for what is not known, because JSON has no NaN."""
        values = zip(_FIELDS, _VALUES(self), strict=True)
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values
        }


_FIELDS: Final = tuple(field.name for field in fields(CallView))
# asdict copies what is in the fields, which takes longer than all the rest.
_VALUES: Final = attrgetter(*_FIELDS)


class PodView(Protocol):
    """A pod, seen from its HTTP API. Nothing here waits but `drained`."""

    bus: EventBus
    """Takes the events of the dialplan's questions."""

    @property
    def audio_port(self) -> int:
        """The TCP port on which this pod takes audio: AudioSocket or WebSocket connections."""

    def reserve(self, info: CallInfo) -> None:
        """Take a slot for a call that is about to connect.

        Raises:
            AdmissionError: DrainingError, FullError or StillConnectedError.
        """

    def knows(self, uuid: str) -> bool:
        """Whether this pod has, or has had, the call; one that ended long ago is forgotten."""

    def next(self, info: CallInfo) -> Next:
        """What follows after AudioSocket returned; a slot is reserved here if it is CONNECT.

        Raises:
            AdmissionError: as `reserve`.
        """

    def end(self, uuid: str, cause: str) -> bool:
        """The dialplan says that the caller is gone; `cause` is its hang-up cause, advisory.

        Returns False if the call is unknown here. May be called again.
        """

    @property
    def active_calls(self) -> int: ...

    def calls(self) -> Iterator[CallView]:
        """The calls that hold a slot, the oldest first; each as it is when its turn comes, if it
        has not ended by then."""

    def call(self, uuid: str) -> CallView | None: ...

    @property
    def slots(self) -> int: ...

    @property
    def manifest(self) -> ManifestView: ...

    @property
    def draining(self) -> bool: ...

    def drain(self) -> None:
        """Take no new calls; running calls go on until the deadline, which the first call of this
        starts. May be called again."""

    async def drained(self) -> None:
        """After `drain`: wait until no call is left, or its deadline is over."""

    def liveness_error(self) -> str:
        """Why this process should be restarted; "" while it works, however busy."""

    def readiness_error(self) -> str:
        """Why no new calls should be sent here; "" when loaded and not draining.

        A full pod is ready: Kubernetes removes pods that are not ready first, calls and all.
        """

    def metrics_page(self, accept: str, names: Sequence[str]) -> tuple[Iterator[bytes], str]:
        """The metrics page in pieces that take well below a millisecond each, and its content type.

        Args:
            accept: the request's header.
            names: of the series on the page; all if there are none.
        """


class Peers(Protocol):
    """Other pods that may take a call, or know one. Answers CONNECT with their address."""

    async def start(self, info: CallInfo) -> Next | None:
        """Ask for room: the peer that reserved a slot, None if none did."""

    async def next(self, info: CallInfo) -> Next | None:
        """What follows, from the peer that knows the call; None if none does.

        Raises:
            StillConnectedError: the call has a live AudioSocket there.
        """
