"""What a pod counts, for Prometheus. Cheap enough for the tick: no label is looked up twice."""

import math

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from media_pod.duplex.contract import Decision, Reason

TICK_BUCKETS_S = (
    *(0.0005, 0.001, 0.002, 0.004, 0.006, 0.008, 0.010, 0.012, 0.014, 0.016, 0.018, 0.020),
    *(0.025, 0.030, 0.040, 0.100),
)
"""A tick has 20 ms: steps of 2 ms below that show how much is left, those above how bad it is."""

DELAY_BUCKETS_S = (0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""From a local phone to the longest delay that can be searched for."""

ERLE_BUCKETS_DB = (0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0)
"""Below 6 dB the canceller does nothing useful; above 30 dB it is done."""

STOP_BUCKETS_S = (0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.4, 0.5, 0.7, 1.0, 2.0)
"""Two ticks a step around the promised fifth of a second."""


class Metrics:
    """One pod's metrics, in a registry of their own.

    Args:
        capacity_calls: slots of the pod.
    """

    def __init__(self, capacity_calls: int) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._active = self._gauge("interject_active_calls", "Calls that hold a slot.")
        self._gauge("interject_capacity_calls", "Slots of this pod.").set(capacity_calls)
        self._ticks = self._histogram(
            "interject_tick_duration_seconds",
            "Time from the start of a 20 ms tick to the end of its work.",
            TICK_BUCKETS_S,
        )
        self._late = self._counter("interject_late_ticks", "Ticks that were skipped, being late.")
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
        self._stops = self._histogram(
            "interject_barge_in_stop_seconds",
            "From the caller's onset to the bot's last frame.",
            STOP_BUCKETS_S,
        )
        self._calls = self._counter("interject_calls", "Calls that ended, by how.", ("ended",))

    def active_calls(self, calls: int) -> None:
        self._active.set(calls)

    def tick(self, duration_s: float) -> None:
        self._ticks.observe(duration_s)

    def late_ticks(self, ticks: int) -> None:
        self._late.inc(ticks)

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

    def barge_in_stopped(self, after_s: float) -> None:
        self._stops.observe(after_s)

    def call_ended(self, ended: str) -> None:
        """`ended` says by whom: bot, caller, error or pod. Each is a time series for ever."""
        self._calls.labels(ended).inc()

    def render(self) -> tuple[bytes, str]:
        """The metrics page and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, buckets=buckets, registry=self._registry)
