"""The metrics page: names, units and labels that dashboards and alerts are built on."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from media_pod.duplex.contract import Decision, Reason
from media_pod.telemetry.metrics import Metrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def page(metrics: Metrics) -> Samples:
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(body.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(capacity_calls=100)


def test_a_fresh_pod_already_shows_what_alerts_are_built_on(metrics: Metrics) -> None:
    samples = page(metrics)
    assert samples["interject_capacity_calls", ()] == 100
    assert samples["interject_active_calls", ()] == 0
    assert samples["interject_late_ticks_total", ()] == 0
    assert samples["interject_tick_duration_seconds_count", ()] == 0
    assert samples["process_resident_memory_bytes", ()] > 0


def test_ticks_are_told_apart_within_their_20_ms(metrics: Metrics) -> None:
    for duration_s in (0.003, 0.011, 0.019, 0.021):
        metrics.tick(duration_s)
    metrics.late_ticks(3)
    samples = page(metrics)
    below = {
        labels[0][1]: value
        for (name, labels), value in samples.items()
        if name == "interject_tick_duration_seconds_bucket"
    }
    assert (below["0.004"], below["0.012"], below["0.02"], below["+Inf"]) == (1, 2, 3, 4)
    assert samples["interject_late_ticks_total", ()] == 3


def test_decisions_are_counted_by_decision_and_reason(metrics: Metrics) -> None:
    metrics.decided(Decision.CALLER, Reason.SPEECH_OVER_ECHO)
    metrics.decided(Decision.CALLER, Reason.SPEECH_OVER_ECHO)
    metrics.decided(Decision.ONSET, Reason.GATHERING)
    samples = page(metrics)
    caller = (("decision", "caller"), ("reason", "speech_over_echo"))
    assert samples["interject_decisions_total", caller] == 2
    onset = (("decision", "onset"), ("reason", "gathering"))
    assert samples["interject_decisions_total", onset] == 1


def test_an_echo_that_is_not_known_yet_leaves_the_distributions_alone(metrics: Metrics) -> None:
    metrics.echo(math.nan, math.nan)
    metrics.echo(250.0, math.nan)
    metrics.echo(math.nan, 21.0)
    samples = page(metrics)
    assert samples["interject_echo_delay_seconds_count", ()] == 1
    assert samples["interject_echo_delay_seconds_sum", ()] == 0.25
    assert samples["interject_erle_db_sum", ()] == 21.0


def test_calls_and_stops_are_counted(metrics: Metrics) -> None:
    metrics.active_calls(7)
    metrics.call_ended("bot")
    metrics.barge_in_stopped(0.18)
    samples = page(metrics)
    assert samples["interject_active_calls", ()] == 7
    assert samples["interject_calls_total", (("ended", "bot"),)] == 1
    assert samples["interject_barge_in_stop_seconds_bucket", (("le", "0.2"),)] == 1
    assert samples["interject_barge_in_stop_seconds_bucket", (("le", "0.16"),)] == 0


def test_two_pods_in_one_process_do_not_share_their_counts() -> None:
    one, other = Metrics(1), Metrics(2)
    one.active_calls(1)
    assert page(other)["interject_active_calls", ()] == 0
