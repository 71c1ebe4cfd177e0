"""A trace per reconcile, at the collector of the standard variables."""

import logging
from collections.abc import Iterator

import pytest

from otlp_collector import Collector
from voiceagent_operator.telemetry.logs_and_traces import ReconcileIds, ReconcileTracing


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    collector.close()


def test_a_reconcile_is_a_span_that_names_its_agent(collector: Collector) -> None:
    tracing = ReconcileTracing("1.2")
    with tracing.reconcile(("calls", "reception")) as span:
        span.set_attribute("interject.writes", 3)
    tracing.close()
    span = collector.span("reconcile")
    found = {item.key: item.value for item in span.attributes}
    assert found["k8s.namespace.name"].string_value == "calls"
    assert found["interject.agent"].string_value == "reception"
    assert found["interject.writes"].int_value == 3
    assert collector.resources[0]["service.name"] == "interject-operator"


def test_an_error_in_a_reconcile_is_in_its_span(collector: Collector) -> None:
    tracing = ReconcileTracing("1.2")
    with pytest.raises(ValueError, match="no such pod"), tracing.reconcile(("calls", "reception")):
        raise ValueError("no such pod")
    tracing.close()
    (event,) = collector.span("reconcile").events
    said = {item.key: item.value.string_value for item in event.attributes}
    assert said["exception.message"] == "no such pod"


def test_without_an_endpoint_nothing_is_exported(collector: Collector) -> None:
    tracing = ReconcileTracing("1.2", {})
    with tracing.reconcile(("calls", "reception")):
        pass
    tracing.close()
    assert collector.spans == []


def test_what_is_logged_during_a_reconcile_has_its_ids() -> None:
    tracing = ReconcileTracing("1.2", {})
    during, after = (logging.makeLogRecord({"msg": "applied"}) for _ in range(2))
    with tracing.reconcile(("calls", "reception")) as span:
        ReconcileIds().filter(during)
        assert int(vars(during)["trace_id"], 16) == span.get_span_context().trace_id
        assert int(vars(during)["span_id"], 16) == span.get_span_context().span_id
    ReconcileIds().filter(after)
    assert "trace_id" not in vars(after)
    tracing.close()
