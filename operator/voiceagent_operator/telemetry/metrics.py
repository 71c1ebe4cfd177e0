"""Prometheus metrics of the operator itself."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from voiceagent_operator.telemetry.health import Heartbeats

RECONCILE_BUCKETS_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""From a reconcile without changes to one that waits for an overloaded API server."""


@dataclass(frozen=True, slots=True)
class AgentPods:
    """Pods of one agent, for the metrics."""

    namespace: str
    name: str
    wanted: int
    ready: int
    most: int | None
    """What its autoscaler may want at most; None for a fixed number."""


class OperatorMetrics:
    """The operator's metrics, in a registry of their own.

    Args:
        heartbeats: source of the watches' ages.
    """

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_WatchAges(heartbeats))
        self._reconciles = Counter(
            "interject_operator_reconciles",
            "Reconciles of VoiceAgents, by result.",
            ("result",),
            registry=self._registry,
        )
        self._duration = Histogram(
            "interject_operator_reconcile_seconds",
            "Duration of one reconcile of a VoiceAgent.",
            buckets=RECONCILE_BUCKETS_S,
            registry=self._registry,
        )
        self._drift = Counter(
            "interject_operator_drift_repaired",
            "Child objects that were changed or deleted by another client, and repaired.",
            ("kind",),
            registry=self._registry,
        )
        self._requests = Counter(
            "interject_operator_api_requests",
            "Requests to the API server, by verb and HTTP status; status 0 means no answer.",
            ("verb", "status"),
            registry=self._registry,
        )
        self._agent_pods = _AgentPodsCollector()
        self._registry.register(self._agent_pods)
        self._available = Gauge(
            "interject_operator_api_service_available",
            "1 if the API server forwards this APIService to the operator, as the leader reads it.",
            ("api_service",),
            registry=self._registry,
        )
        self._leader = Gauge(
            "interject_operator_leader",
            "1 in the leading replica, 0 in standby replicas.",
            registry=self._registry,
        )
        self._agents = Gauge(
            "interject_operator_agents",
            "VoiceAgents that the leader manages.",
            registry=self._registry,
        )

    def reconciled(self, result: str, duration_s: float) -> None:
        """One reconcile has finished. Each `result` is a time series of its own."""
        self._reconciles.labels(result).inc()
        self._duration.observe(duration_s)

    def drift_repaired(self, kind: str) -> None:
        """An object that another client had changed was repaired."""
        self._drift.labels(kind).inc()

    def api_request(self, verb: str, status: int) -> None:
        """The API server has answered; `status` 0: it has not. The `count` of `ApiServer`."""
        self._requests.labels(verb, status).inc()

    def leads(self, leader: bool) -> None:
        """Whether this replica leads."""
        self._leader.set(leader)

    def agents(self, count: int) -> None:
        """Number of managed VoiceAgents."""
        self._agents.set(count)

    def show_pods_of(self, agents: Callable[[], Iterable[AgentPods]]) -> None:
        """Where each scrape finds the managed VoiceAgents."""
        self._agent_pods.agents = agents

    def api_service(self, name: str, available: bool) -> None:
        """Whether requests to this APIService reach the operator."""
        self._available.labels(name).set(available)

    def render(self) -> tuple[bytes, str]:
        """The metrics page and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _AgentPodsCollector(Collector):
    """Pods of each agent at scrape time: a deleted agent has no series."""

    def __init__(self) -> None:
        self.agents: Callable[[], Iterable[AgentPods]] = tuple

    def collect(self) -> Iterator[GaugeMetricFamily]:
        pods = GaugeMetricFamily(
            "interject_operator_agent_pods",
            "Pods of a VoiceAgent: wanted, ready, and the most that its autoscaler may want.",
            labels=("agent_namespace", "agent", "state"),
        )
        for each in self.agents():
            counts = {"wanted": each.wanted, "ready": each.ready, "most": each.most}
            for state, count in counts.items():
                if count is not None:
                    pods.add_metric((each.namespace, each.name, state), count)
        yield pods


class _WatchAges(Collector):
    """Age of the last event of each watch, computed at scrape time."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats

    def collect(self) -> Iterator[GaugeMetricFamily]:
        ages = GaugeMetricFamily(
            "interject_operator_watch_age_seconds",
            "Seconds since a watch last received anything from the API server.",
            labels=("kind",),
        )
        for watch, silent_s in self._heartbeats.silent_s().items():
            ages.add_metric((watch,), silent_s)
        yield ages
