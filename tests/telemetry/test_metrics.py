"""The metrics page: names, units and labels that dashboards and alerts are built on."""

import math
from importlib.metadata import version
from typing import Final

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from media_pod.call.events import (
    BargeIn,
    Ducked,
    FalseStopSuspected,
    ProviderAnswered,
    ProviderFailed,
    ProviderFinished,
)
from media_pod.dialogues.ports import CallInfo
from media_pod.duplex.contract import Decision, Reason
from media_pod.providers.chat import Usage
from media_pod.providers.requests import ProviderRequest, RequestKind
from media_pod.telemetry.call_metrics import ECHOES, echo_of
from media_pod.telemetry.metrics import ENDED, Metrics
from media_pod.telemetry.tick_metrics import STAGES
from telemetry.doubles import Clock, EventfulCall

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
PROMETHEUS_ACCEPTS: Final = (
    "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""The header of Prometheus 2.42."""
_STAGE: Final = "interject_tick_stage_seconds"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def page(metrics: Metrics) -> Samples:
    pieces, content_type = metrics.page("text/plain")
    assert content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(b"".join(pieces).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(100, "desk", drain_timeout_s=900)


def a_call(metrics: Metrics) -> EventfulCall:
    return EventfulCall(metrics.on_event, Clock(), CallInfo("a"), 1).connect()


def test_a_fresh_pod_already_shows_what_alerts_are_built_on(metrics: Metrics) -> None:
    samples = page(metrics)
    assert samples["interject_capacity_calls", ()] == 100
    assert samples["interject_active_calls", ()] == 0
    assert samples["interject_late_ticks_total", ()] == 0
    assert samples["interject_tick_duration_seconds_count", ()] == 0
    assert samples["process_resident_memory_bytes", ()] > 0
    for echo in ECHOES:
        stop = (("echo", echo), ("reason", "no_echo_on_line"))
        assert samples["interject_stops_total", stop] == 0
        assert samples["interject_suspected_false_stops_total", stop] == 0
    for ended in ENDED:
        assert samples["interject_calls_total", (("ended", ended),)] == 0


def test_ticks_are_told_apart_within_their_20_ms(metrics: Metrics) -> None:
    for duration_s in (0.003, 0.011, 0.019, 0.021):
        metrics.ticks.tick(0.0, 0.0, duration_s, 0.0)
    metrics.ticks.late_ticks(3)
    samples = page(metrics)
    below = {
        labels[0][1]: value
        for (name, labels), value in samples.items()
        if name == "interject_tick_duration_seconds_bucket"
    }
    assert (below["0.004"], below["0.012"], below["0.02"], below["+Inf"]) == (1, 2, 3, 4)
    assert samples["interject_late_ticks_total", ()] == 3


def test_decisions_are_counted_by_decision_and_reason(metrics: Metrics) -> None:
    metrics.ticks.decided(Decision.CALLER, Reason.SPEECH_OVER_ECHO)
    metrics.ticks.decided(Decision.CALLER, Reason.SPEECH_OVER_ECHO)
    metrics.ticks.decided(Decision.ONSET, Reason.GATHERING)
    samples = page(metrics)
    caller = (("decision", "caller"), ("reason", "speech_over_echo"))
    assert samples["interject_decisions_total", caller] == 2
    onset = (("decision", "onset"), ("reason", "gathering"))
    assert samples["interject_decisions_total", onset] == 1


def test_an_echo_that_is_not_known_yet_leaves_the_distributions_alone(metrics: Metrics) -> None:
    metrics.ticks.echo(math.nan, math.nan)
    metrics.ticks.echo(250.0, math.nan)
    metrics.ticks.echo(math.nan, 21.0)
    samples = page(metrics)
    assert samples["interject_echo_delay_seconds_count", ()] == 1
    assert samples["interject_echo_delay_seconds_sum", ()] == 0.25
    assert samples["interject_erle_db_sum", ()] == 21.0


def test_calls_and_stops_are_counted(metrics: Metrics) -> None:
    metrics.active_calls(7)
    call = a_call(metrics)
    call.end("bot")
    call.barge_in(onset_ago_s=0.18)
    samples = page(metrics)
    assert samples["interject_active_calls", ()] == 7
    assert samples["interject_calls_total", (("ended", "bot"),)] == 1
    assert samples["interject_barge_in_stop_seconds_bucket", (("le", "0.2"),)] == 1
    assert samples["interject_barge_in_stop_seconds_bucket", (("le", "0.16"),)] == 0
    stop = (("echo", "locked"), ("reason", "speech_over_echo"))
    assert samples["interject_stops_total", stop] == 1
    assert samples["interject_suspected_false_stops_total", stop] == 0
    suspected = BargeIn(0, 0, "speech_over_echo", 0.18, 120.0, 0.5, 9.0, "", "", 0)
    call.send(FalseStopSuspected, suspected)
    assert page(metrics)["interject_suspected_false_stops_total", stop] == 1


def test_ducks_are_counted_by_what_followed(metrics: Metrics) -> None:
    stopped, faded = (("outcome", "stopped"),), (("outcome", "faded"),)
    samples = page(metrics)
    assert samples["interject_ducks_total", stopped] == 0
    assert samples["interject_ducks_total", faded] == 0
    call = a_call(metrics)
    call.send(Ducked, 80, "stopped")
    call.send(Ducked, 240, "faded")
    call.send(Ducked, 120, "faded")
    samples = page(metrics)
    assert samples["interject_ducks_total", stopped] == 1
    assert samples["interject_ducks_total", faded] == 2


def test_stages_of_a_tick_are_told_apart_and_add_up(metrics: Metrics) -> None:
    metrics.ticks.tick(0.001, 0.002, 0.008, 0.003)
    metrics.ticks.lateness(0.0004)
    samples = page(metrics)
    spent = {stage: samples[f"{_STAGE}_sum", (("stage", stage),)] for stage in STAGES}
    assert spent == {"write": 0.001, "gather": 0.002, "step": 0.008, "dispatch": 0.003}
    assert samples["interject_tick_duration_seconds_sum", ()] == pytest.approx(0.014)
    assert samples["interject_tick_lateness_seconds_bucket", (("le", "0.0005"),)] == 1


def test_a_pod_says_whose_it_is_and_how_it_drains(metrics: Metrics) -> None:
    info = (("agent", "desk"), ("version", version("interject")))
    samples = page(metrics)
    assert samples["interject_pod_info", info] == 1
    assert samples["interject_drain_timeout_seconds", ()] == 900
    assert samples["interject_draining_seconds", ()] == 0
    metrics.draining(61.5)
    assert page(metrics)["interject_draining_seconds", ()] == 61.5


def test_errors_of_a_provider_begin_at_zero_with_its_first_request(metrics: Metrics) -> None:
    of = (("kind", "tts"), ("provider", "built-in"))
    assert ("interject_provider_errors_total", of) not in page(metrics)
    call = a_call(metrics)
    request = call.request("tts")
    assert page(metrics)["interject_provider_errors_total", of] == 0
    call.send(ProviderFailed, request, "ProviderError")
    samples = page(metrics)
    assert samples["interject_provider_errors_total", of] == 1
    assert samples["interject_provider_requests_total", of] == 1


@pytest.mark.parametrize(
    ("delay_ms", "confidence", "known"),
    [
        (math.nan, 0.0, "unknown"),
        (120.0, 0.49, "unsure"),
        (120.0, 0.5, "locked"),
        (0.0, 1.0, "locked"),
    ],
)
def test_what_is_known_of_an_echo(delay_ms: float, confidence: float, known: str) -> None:
    assert echo_of(delay_ms, confidence) == known


def test_a_slow_bucket_links_to_the_trace_of_its_call() -> None:
    traced = [TRACE]
    metrics = Metrics(100, "desk", 900, trace_id=lambda call: traced[0])
    call = a_call(metrics)
    call.barge_in(onset_ago_s=0.3)
    request = call.request("llm")
    call.clock.now_ns += 1_200_000_000
    call.send(ProviderAnswered, request)
    traced[0] = ""
    call.send(ProviderAnswered, call.request("tts"))
    pieces, content_type = metrics.page(PROMETHEUS_ACCEPTS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    exemplars = {
        (sample.name, sample.labels["le"]): sample.exemplar
        for family in openmetrics_families(b"".join(pieces).decode())  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert exemplars.keys() == {
        ("interject_barge_in_stop_seconds_bucket", "0.32"),
        ("interject_provider_first_chunk_seconds_bucket", "1.5"),
    }
    assert {found.labels["trace_id"] for found in exemplars.values()} == {TRACE}


def test_two_pods_in_one_process_do_not_share_their_counts() -> None:
    one, other = Metrics(1, "one", 900), Metrics(2, "other", 900)
    one.active_calls(1)
    assert page(other)["interject_active_calls", ()] == 0


def test_events_that_found_their_queue_full_are_counted(metrics: Metrics) -> None:
    assert page(metrics)["interject_call_events_dropped_total", ()] == 0
    metrics.event_dropped()
    assert page(metrics)["interject_call_events_dropped_total", ()] == 1


def test_a_result_whose_request_was_dropped_on_its_way_is_not_timed(metrics: Metrics) -> None:
    call = a_call(metrics)
    call.send(ProviderAnswered, ProviderRequest("llm", "built-in"))
    of = (("kind", "llm"), ("provider", "built-in"))
    assert ("interject_provider_first_chunk_seconds_count", of) not in page(metrics)


@pytest.mark.parametrize("kind", ["stt", "llm", "tts", "tool"])
def test_requests_of_every_kind_are_counted_and_timed(metrics: Metrics, kind: RequestKind) -> None:
    call = a_call(metrics)
    request = call.request(kind, "one")
    call.send(ProviderAnswered, request)
    call.send(ProviderFinished, request)
    call.send(ProviderFailed, call.request(kind, "one"), "timeout")
    of = (("kind", kind), ("provider", "one"))
    samples = page(metrics)
    assert samples["interject_provider_requests_total", of] == 2
    assert samples["interject_provider_errors_total", of] == 1
    assert samples["interject_provider_first_chunk_seconds_count", of] == 1


def test_tokens_are_counted_by_kind_and_model(metrics: Metrics) -> None:
    of = {kind: (("kind", kind), ("model", "some-model")) for kind in ("input", "output")}
    call = a_call(metrics)
    request = call.request("llm", "openai", "some-model")
    samples = page(metrics)
    assert [samples["interject_llm_tokens_total", of[kind]] for kind in of] == [0, 0]

    call.send(ProviderFinished, request, Usage(120, 34))
    call.send(ProviderFinished, call.request("llm", "openai", "some-model"), Usage(80, 6))
    call.send(ProviderFinished, call.request("tool", "book"))
    call.send(ProviderFinished, call.request("llm", "parcel-desk"))

    samples = page(metrics)
    assert [samples["interject_llm_tokens_total", of[kind]] for kind in of] == [200, 40]
    assert sum(name == "interject_llm_tokens_total" for name, _ in samples) == 2
