"""A running pod as its HTTP API sees it: slots from the admission, calls from the clock."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from media_pod.calls.drain import Leaving
from media_pod.calls.registry import Admission, Admitted, Next
from media_pod.dialogues.ports import CallInfo, DialogueFactory
from media_pod.manifest.active import ActiveManifest, ManifestView
from media_pod.pod.clock import Leg, PodClock
from media_pod.pod.http.ports import CallView
from media_pod.telemetry.arrivals import Arrivals
from media_pod.telemetry.metrics import Metrics
from media_pod.transport.server import CallServer

DEAD_AFTER_S: Final = 2.0
"""A clock that has not ticked for this long will not come back."""


class RunningPod:
    """The `PodView` of a pod that has been loaded.

    Args:
        admission, clock, metrics, audio, leaving, manifest, arrivals: the pod's own.
        now: monotonic time in seconds, the clock's.
    """

    def __init__(
        self,
        admission: Admission,
        clock: PodClock,
        metrics: Metrics,
        audio: CallServer,
        leaving: Leaving,
        manifest: ActiveManifest[DialogueFactory],
        arrivals: Arrivals,
        now: Callable[[], float],
    ) -> None:
        self._admission = admission
        self._clock = clock
        self._metrics = metrics
        self._audio = audio
        self._leaving = leaving
        self._manifest = manifest
        self._arrivals = arrivals
        self._now = now

    @property
    def audio_port(self) -> int:
        """See `PodView.audio_port`."""
        return self._audio.port

    @property
    def arrivals(self) -> Arrivals:
        """See `PodView.arrivals`."""
        return self._arrivals

    def reserve(self, info: CallInfo) -> None:
        """See `PodView.reserve`."""
        self._admission.reserve(info, self._now())

    def knows(self, uuid: str) -> bool:
        """See `PodView.knows`."""
        return self._admission.state(uuid) is not None

    def next(self, info: CallInfo) -> Next:
        """See `PodView.next`."""
        return self._admission.next(info, self._now())

    def end(self, uuid: str, cause: str) -> bool:
        """See `PodView.end`."""
        known = self._admission.hang_up(uuid) is not None
        self._arrivals.hung_up(uuid, cause)
        for leg in self._clock.legs.values():
            if leg.call.info.uuid == uuid:
                leg.connection.hang_up(f"the dialplan says that the call is over, cause {cause}")
        return known

    def calls(self) -> Sequence[CallView]:
        """See `PodView.calls`."""
        return [self._view(admitted) for admitted in self._admission.admitted]

    def call(self, uuid: str) -> CallView | None:
        """See `PodView.call`."""
        admitted = self._admission.get(uuid)
        return None if admitted is None else self._view(admitted)

    @property
    def slots(self) -> int:
        """Most calls at a time."""
        return self._admission.slots

    @property
    def manifest(self) -> ManifestView:
        """See `PodView.manifest`."""
        return self._manifest.view

    @property
    def draining(self) -> bool:
        """No new calls are taken."""
        return self._admission.draining

    def drain(self) -> None:
        """See `PodView.drain`."""
        self._leaving.begin()

    async def drained(self) -> None:
        """See `PodView.drained`."""
        await self._leaving.over()

    def why_not_live(self) -> str:
        """See `PodView.why_not_live`."""
        silent_s = self._now() - self._clock.last_tick_s
        return f"no tick for {silent_s:.1f} s" if silent_s > DEAD_AFTER_S else ""

    def why_not_ready(self) -> str:
        """See `PodView.why_not_ready`; nobody can ask before the pod is loaded."""
        return "draining" if self.draining else ""

    def render_metrics(self, accept: str) -> tuple[bytes, str]:
        """See `PodView.render_metrics`."""
        self._metrics.active_calls(len(self._admission.admitted))
        self._metrics.draining(self._leaving.lasted_s)
        return self._metrics.render(accept)

    def _view(self, admitted: Admitted) -> CallView:
        info = admitted.info
        state = self._admission.state(info.uuid)
        assert state is not None, "an admitted call has a state"
        age_s = self._now() - admitted.since_s
        view = CallView(
            info.uuid, admitted.slot, state.value, info.from_number, info.to_number, age_s
        )
        leg = self._clock.legs.get(admitted.slot)
        return view if leg is None or leg.call.last is None else _with_call(view, leg)


def _with_call(view: CallView, leg: Leg) -> CallView:
    heard = leg.call.last
    assert heard is not None, "asked only for a call that has heard a tick"
    return replace(
        view,
        turn=leg.call.state.value,
        decision=heard.decision.name.lower(),
        reason=heard.reason.name.lower(),
        delay_ms=heard.delay_ms,
        delay_confidence=heard.delay_confidence,
        erle_db=heard.erle_db,
    )
