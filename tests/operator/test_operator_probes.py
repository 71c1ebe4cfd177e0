"""The operator's probes and its metrics page, over HTTP."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.metrics import AgentPods, OperatorMetrics
from voiceagent_operator.telemetry.probes import DEAD_AFTER_S, make_app


class Replica:
    """One replica whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.heartbeats = Heartbeats(lambda: self.now_s)
        self.metrics = OperatorMetrics(self.heartbeats)
        self.readiness = Readiness()
        app = make_app(self.metrics, self.heartbeats, self.readiness)
        self.http = TestClient(TestServer(app))

    async def ask(self, path: str) -> tuple[int, str]:
        async with self.http.get(path) as answer:
            return answer.status, await answer.text()

    async def samples(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """Values of the metrics page by name and what its labels say, in order."""
        status, text = await self.ask("/metrics")
        assert status == 200
        return {
            (sample.name, tuple(sorted(sample.labels.values()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
async def replica() -> AsyncIterator[Replica]:
    replica = Replica()
    async with replica.http:
        yield replica


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_replica_that_stands_by_is_well(replica: Replica, path: str) -> None:
    assert await replica.ask(path) == (200, "ok")


async def test_one_that_waits_is_not_ready_says_why_and_is_not_killed(replica: Replica) -> None:
    replica.readiness.waits_for = "no CRD"
    assert await replica.ask("/readyz") == (503, "no CRD")
    assert await replica.ask("/livez") == (200, "ok")
    replica.readiness.waits_for = ""
    assert await replica.ask("/readyz") == (200, "ok")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_one_dead_watch_among_others_is_seen(replica: Replica, path: str) -> None:
    replica.heartbeats.beat("pods")
    replica.heartbeats.beat("services")
    replica.now_s += DEAD_AFTER_S
    replica.heartbeats.beat("services")
    assert await replica.ask(path) == (200, "ok")
    replica.now_s += 1
    assert await replica.ask(path) == (503, "no event received by the watch of pods for 301 s")
    replica.heartbeats.beat("pods")
    assert await replica.ask(path) == (200, "ok")


async def test_what_the_operator_counts(replica: Replica) -> None:
    replica.metrics.reconciled("changed", 0.2)
    replica.metrics.reconciled("unchanged", 0.004)
    replica.metrics.reconciled("unchanged", 0.004)
    replica.metrics.drift_repaired("Service")
    replica.metrics.api_request("GET", 200)
    replica.metrics.api_request("PATCH", 0)
    replica.metrics.leads(True)
    replica.metrics.agents(17)
    replica.heartbeats.beat("pods", "one")
    replica.now_s += 5
    replica.heartbeats.beat("pods", "two")
    samples = await replica.samples()
    expected = {
        ("interject_operator_reconciles_total", ("changed",)): 1,
        ("interject_operator_reconciles_total", ("unchanged",)): 2,
        ("interject_operator_reconcile_seconds_count", ()): 3,
        ("interject_operator_reconcile_seconds_bucket", ("0.005",)): 2,
        ("interject_operator_drift_repaired_total", ("Service",)): 1,
        ("interject_operator_api_requests_total", ("200", "GET")): 1,
        ("interject_operator_api_requests_total", ("0", "PATCH")): 1,
        ("interject_operator_watch_age_seconds", ("pods",)): 5,
        ("interject_operator_leader", ()): 1,
        ("interject_operator_agents", ()): 17,
    }
    assert {key: samples.get(key) for key in expected} == expected
    assert ("process_resident_memory_bytes", ()) in samples

    replica.metrics.leads(False)
    assert (await replica.samples())["interject_operator_leader", ()] == 0


async def test_pods_of_agents_are_those_of_the_moment(replica: Replica) -> None:
    agents = [AgentPods("calls", "desk", 3, 2, 5), AgentPods("calls", "fixed", 1, 0, None)]
    replica.metrics.show_pods_of(lambda: agents)
    replica.metrics.api_service("v1beta1.custom.metrics.k8s.io", False)
    name = "interject_operator_agent_pods"

    def shown(samples: dict[tuple[str, tuple[str, ...]], float]) -> dict[tuple[str, ...], float]:
        return {labels: value for (sample, labels), value in samples.items() if sample == name}

    samples = await replica.samples()
    assert shown(samples) == {
        ("calls", "desk", "wanted"): 3,
        ("calls", "desk", "ready"): 2,
        ("calls", "desk", "most"): 5,
        ("calls", "fixed", "wanted"): 1,
        ("calls", "fixed", "ready"): 0,
    }
    available = "interject_operator_api_service_available"
    assert samples[available, ("v1beta1.custom.metrics.k8s.io",)] == 0
    agents.clear()
    assert shown(await replica.samples()) == {}


async def test_two_replicas_in_a_process_do_not_share_metrics(replica: Replica) -> None:
    OperatorMetrics(Heartbeats(lambda: 0.0)).agents(17)
    assert (await replica.samples())["interject_operator_agents", ()] == 0


async def test_other_paths_are_not_found(replica: Replica) -> None:
    assert (await replica.ask("/"))[0] == 404
