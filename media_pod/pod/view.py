"""A running pod as its HTTP API sees it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from media_pod.call.event_bus import EventBus
from media_pod.call.events import HungUp
from media_pod.calls.answers import CONNECT, Next
from media_pod.calls.drain import Drain
from media_pod.calls.registry import CallRegistry, CallState, RegisteredCall
from media_pod.dialogues.ports import REFUSED_TRANSFER, CallInfo, DialogueFactory
from media_pod.logs import call_logger
from media_pod.manifest.active import ActiveManifest, ManifestView
from media_pod.pod.clock import PodClock
from media_pod.pod.http.ports import CallView
from media_pod.telemetry.metrics import Metrics
from media_pod.transport.server import CallServer

DEAD_AFTER_S: Final = 2.0
"""A clock that has not ticked for this long will not come back."""
_logger = logging.getLogger(__name__)
_SHOWN: Final = {CallState.CLOSING: CallState.DONE.value}
"""States that the API shows under another name."""


class RunningPod:
    """The `PodView` of a pod that has been loaded.

    Args:
        registry, clock, metrics, audio, drain, manifest, bus: the pod's own.
        now: monotonic time in seconds, the clock's.
    """

    def __init__(
        self,
        registry: CallRegistry,
        clock: PodClock,
        metrics: Metrics,
        audio: CallServer,
        drain: Drain,
        manifest: ActiveManifest[DialogueFactory],
        bus: EventBus,
        now: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._metrics = metrics
        self._audio = audio
        self._drain = drain
        self._manifest = manifest
        self.bus = bus
        self._now = now

    @property
    def audio_port(self) -> int:
        """See `PodView.audio_port`."""
        return self._audio.port

    def reserve(self, info: CallInfo) -> None:
        """See `PodView.reserve`."""
        self._registry.reserve(info, self._now())

    def knows(self, uuid: str) -> bool:
        """See `PodView.knows`."""
        return self._registry.known(uuid) is not None

    def next(self, info: CallInfo) -> Next:
        """See `PodView.next`."""
        step = self._registry.next(info, self._now())
        if step is CONNECT and (place := info.variables.get(REFUSED_TRANSFER)):
            call_logger(_logger, info.uuid).warning(
                "the dialplan refused the transfer to %s; the call goes on", place
            )
        return step

    def end(self, uuid: str, cause: str) -> bool:
        """See `PodView.end`."""
        call = self._registry.known(uuid)
        if call is None:
            return False
        leg = call.leg
        self._registry.hang_up(uuid)
        self.bus.publish(call.ref, HungUp(self.bus.now_ns(), cause))
        if leg is not None:
            leg.connection.hang_up(f"the dialplan says that the call is over, cause {cause}")
        return True

    @property
    def active_calls(self) -> int:
        """Calls that hold a slot."""
        return len(self._registry.present)

    def calls(self) -> Iterator[CallView]:
        """See `PodView.calls`."""
        get, present = self._registry.get, self._registry.present
        # One may have ended since the first was looked at.
        return (self._view(call) for call in present if get(call.info.uuid) is call)

    def call(self, uuid: str) -> CallView | None:
        """See `PodView.call`."""
        call = self._registry.get(uuid)
        return None if call is None else self._view(call)

    @property
    def slots(self) -> int:
        """Most calls at a time."""
        return self._registry.slots

    @property
    def manifest(self) -> ManifestView:
        """See `PodView.manifest`."""
        return self._manifest.view

    @property
    def draining(self) -> bool:
        """No new calls are taken."""
        return self._registry.draining

    def drain(self) -> None:
        """See `PodView.drain`."""
        self._drain.start()

    async def drained(self) -> None:
        """See `PodView.drained`."""
        await self._drain.finished()

    def liveness_error(self) -> str:
        """See `PodView.liveness_error`."""
        silent_s = self._now() - self._clock.last_tick_s
        return f"no tick for {silent_s:.1f} s" if silent_s > DEAD_AFTER_S else ""

    def readiness_error(self) -> str:
        """See `PodView.readiness_error`; the API is served once the pod is loaded."""
        return "draining" if self.draining else ""

    def metrics_page(self, accept: str, names: Sequence[str]) -> tuple[Iterator[bytes], str]:
        """See `PodView.metrics_page`."""
        self._metrics.active_calls(len(self._registry.present))
        self._metrics.draining(self._drain.elapsed_s)
        return self._metrics.page(accept, names)

    def _view(self, call: RegisteredCall) -> CallView:
        about = (
            call.info.uuid,
            call.slot,
            _SHOWN.get(call.state, call.state.value),
            call.info.from_number,
            call.info.to_number,
            self._now() - call.since_s,
        )
        tick = None if call.leg is None else call.leg.call.last
        if call.leg is None or tick is None:
            return CallView(*about)
        return CallView(
            *about,
            turn=call.leg.call.state.value,
            decision=tick.decision.name.lower(),
            reason=tick.reason.name.lower(),
            delay_ms=tick.delay_ms,
            delay_confidence=tick.delay_confidence,
            erle_db=tick.erle_db,
        )
