"""What a pod's clock counts. Cheap enough for the tick: no label is looked up twice."""

import math

from prometheus_client import CollectorRegistry, Counter, Histogram

from media_pod.duplex.contract import Decision, Reason
from media_pod.transport.line import SkipReason

TICK_BUCKETS_S = (
    *(0.0005, 0.001, 0.002, 0.004, 0.006, 0.008, 0.010, 0.012, 0.014, 0.016, 0.018, 0.020),
    *(0.025, 0.030, 0.040, 0.100),
)
"""A tick has 20 ms: steps of 2 ms below that show how much is left, those above how bad it is."""

DELAY_BUCKETS_S = (0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""From a local phone to the longest delay that can be searched for."""

ERLE_BUCKETS_DB = (0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0)
"""Below 6 dB the canceller does nothing useful; above 30 dB it is done."""

LATENESS_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.1)
"""From what an event loop takes to wake up to five ticks lost."""

STAGES = ("write", "gather", "step", "dispatch")
"""Of a tick, in their order."""


class TickMetrics:
    """The clock's part of a pod's metrics.

    Args:
        registry: where they are collected.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._ticks = self._histogram(
            "interject_tick_duration_seconds",
            "Time from the start of a 20 ms tick to the end of its work.",
            TICK_BUCKETS_S,
        )
        stages = self._histogram(
            "interject_tick_stage_seconds",
            "Time of each stage of a tick.",
            TICK_BUCKETS_S,
            ("stage",),
        )
        self._stages = [stages.labels(stage) for stage in STAGES]
        self._lateness = self._histogram(
            "interject_tick_lateness_seconds",
            "From when a tick was due to when it began.",
            LATENESS_BUCKETS_S,
        )
        self._late = self._counter("interject_late_ticks", "Ticks that were skipped, being late.")
        self._skipped = self._counter(
            "interject_skipped_frames", "Frames of Asterisk that were skipped, by why.", ("reason",)
        )
        for reason in SkipReason:
            self._skipped.labels(reason)
        self._dropped = self._counter(
            "interject_dropped_audio_seconds",
            "Audio of callers that was dropped because more was queued than their line needs.",
        )
        self._decided = self._counter(
            "interject_decisions", "Changes of the bank's decision.", ("decision", "reason")
        )
        self._decided_by: dict[tuple[Decision, Reason], Counter] = {}
        self._delay = self._histogram(
            "interject_echo_delay_seconds",
            "Echo delay of calls, once per second and call while locked.",
            DELAY_BUCKETS_S,
        )
        self._erle = self._histogram(
            "interject_erle_db",
            "Echo return loss enhancement of calls, once per second and call.",
            ERLE_BUCKETS_DB,
        )

    def tick(self, *stages_s: float) -> None:
        """A tick is over; the arguments are the durations of its `STAGES`."""
        for stage, duration_s in zip(self._stages, stages_s, strict=True):
            stage.observe(duration_s)
        self._ticks.observe(sum(stages_s))

    def lateness(self, late_s: float) -> None:
        self._lateness.observe(late_s)

    def late_ticks(self, ticks: int) -> None:
        self._late.inc(ticks)

    def skipped(self, reason: SkipReason) -> None:
        """A peer sent a frame that its call goes on without."""
        self._skipped.labels(reason).inc()

    def dropped(self, audio_s: float) -> None:
        """So much of a caller's audio was dropped."""
        self._dropped.inc(audio_s)

    def decided(self, decision: Decision, reason: Reason) -> None:
        """A slot's decision changed; not to be called for one that stays."""
        counter = self._decided_by.get((decision, reason))
        if counter is None:
            counter = self._decided.labels(decision.name.lower(), reason.name.lower())
            self._decided_by[decision, reason] = counter
        counter.inc()

    def echo(self, delay_ms: float, erle_db: float) -> None:
        """A call's echo, about once per second; NaN is what the bank does not know yet."""
        if math.isfinite(delay_ms):
            self._delay.observe(delay_ms / 1000)
        if math.isfinite(erle_db):
            self._erle.observe(erle_db)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self._registry)
