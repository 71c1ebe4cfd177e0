"""A pod's metrics for Prometheus: the pod itself, its ticks, its calls."""

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
)

from media_pod.call.events import CallRef, Ended, Event
from media_pod.telemetry.call_metrics import CallMetrics
from media_pod.telemetry.metrics_page import pieces
from media_pod.telemetry.tick_metrics import TickMetrics

ENDED = ("bot", "caller", "error", "pod")
"""Who can end a call."""


class Metrics:
    """One pod's metrics, in a registry of their own.

    Args:
        capacity_calls: slots of the pod.
        agent: its agent's name.
        drain_timeout_s: how long its calls may go on once it drains.
        trace_id: see `CallMetrics`.
    """

    def __init__(
        self,
        capacity_calls: int,
        agent: str,
        drain_timeout_s: float,
        trace_id: Callable[[CallRef], str] = lambda call: "",
    ) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.ticks = TickMetrics(self._registry)
        """What its clock counts."""
        self._calls = CallMetrics(self._registry, trace_id)
        Gauge(
            "interject_pod_info",
            "1; maps the pod to its agent and version.",
            ("agent", "version"),
            registry=self._registry,
        ).labels(agent, version("interject")).set(1)
        self._active = self._gauge("interject_active_calls", "Calls that hold a slot.")
        self._gauge("interject_capacity_calls", "Slots of this pod.").set(capacity_calls)
        self._draining = self._gauge(
            "interject_draining_seconds", "How long the pod has been draining; 0 while it serves."
        )
        self._gauge(
            "interject_drain_timeout_seconds", "How long calls may go on while the pod drains."
        ).set(drain_timeout_s)
        self._ended = Counter(
            "interject_calls",
            "Calls that ended, by who ended them.",
            ("ended",),
            registry=self._registry,
        )
        for ended in ENDED:
            self._ended.labels(ended)
        self._dropped = Counter(
            "interject_call_events_dropped",
            "Call events that metrics, traces and records missed: their queue was full.",
            registry=self._registry,
        )

        self._malformed = Counter(
            "interject_malformed_http_requests",
            "Requests to the HTTP API that were refused because they are no HTTP.",
            registry=self._registry,
        )

    def active_calls(self, calls: int) -> None:
        self._active.set(calls)

    def draining(self, lasted_s: float) -> None:
        self._draining.set(lasted_s)

    def on_event(self, call: CallRef, event: Event) -> None:
        """Count what a call's event reports."""
        if isinstance(event, Ended):
            self._ended.labels(event.by).inc()
        self._calls.on_event(call, event)

    def event_dropped(self) -> None:
        """An event of a call found the queue of its subscribers full."""
        self._dropped.inc()

    def malformed_request(self) -> None:
        """The HTTP API was sent something else."""
        self._malformed.inc()

    def page(self, accept: str, names: Sequence[str] = ()) -> tuple[Iterator[bytes], str]:
        """The metrics page and its content type, see `metrics_page.pieces`.

        Args:
            accept: the request's header.
            names: of the series on the page; all if there are none.
        """
        some = self._registry.restricted_registry(names) if names else self._registry
        return pieces(some, accept)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry)
