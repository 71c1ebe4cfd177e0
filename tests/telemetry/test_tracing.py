"""Traces: exported to a real collector over HTTP, read back, and free of cost when off."""

import itertools
import math
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from media_pod.dialogues.ports import CallInfo, Interruption
from media_pod.providers.ports import ProviderError
from media_pod.telemetry.call_trace import heard
from media_pod.telemetry.spans import LONGEST_TEXT
from media_pod.telemetry.tracing import Tracing, traces_url
from otlp_collector import Collector

UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
INFO = CallInfo(UUID, from_number="+49301234567", to_number="1000")


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def tracing(collector: Collector) -> Iterator[Tracing]:
    """Sends to the collector; each look at the clock is 10 ms after the one before."""
    ticks = itertools.count(1_700_000_000_000_000_000, 10_000_000)
    url = traces_url(collector.url, {})
    tracing = Tracing(url, agent="desk", clock_ns=lambda: next(ticks))
    yield tracing
    tracing.close(deadline_s=5.0)


def attributes(span: Span) -> dict[str, object]:
    return {
        item.key: getattr(item.value, str(item.value.WhichOneof("value")))
        for item in span.attributes
    }


def test_a_call_is_exported_with_its_parents(tracing: Tracing, collector: Collector) -> None:
    call = tracing.call(INFO)
    call.turn()
    llm, tts = call.llm("parcel-desk"), call.tts("espeak-ng", "en-us")
    tts.first_chunk()
    tts.first_chunk()
    bargein = call.bargein("speech_over_echo", 250.0, 21.5, 0.16, delay_confidence=0.75)
    llm.cut()
    assert tts.ended
    bargein.set(heard(Interruption("Your parcel", "will come on Monday", 900, 4000)))
    bargein.end()
    tts.end()
    call.turn()
    call.stt("pocketsphinx").end()
    call.end("bot")
    tracing.close(deadline_s=5.0)

    root = collector.span("call")
    first, second = collector.span("turn", 0), collector.span("turn", 1)
    assert root.parent_span_id == b""
    assert first.parent_span_id == second.parent_span_id == root.span_id
    for name in ("llm", "tts", "bargein"):
        assert collector.span(name).parent_span_id == first.span_id
    assert collector.span("stt").parent_span_id == second.span_id
    assert len({span.trace_id for span in collector.spans}) == 1
    assert len(collector.spans) == 7
    assert set(collector.paths) == {"/v1/traces"}
    assert collector.resources[0]["service.name"] == "interject"

    assert attributes(root) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "desk",
        "gen_ai.conversation.id": UUID,
        "interject.call.to_number": "1000",
        "interject.call.ended": "bot",
    }
    assert attributes(first) == {"interject.turn.number": 1, "interject.turn.interrupted": True}
    assert attributes(collector.span("tts")) == {
        "gen_ai.operation.name": "text_to_speech",
        "gen_ai.provider.name": "espeak-ng",
        "gen_ai.request.model": "en-us",
        "gen_ai.response.time_to_first_chunk": 0.01,
        "interject.cut": True,
    }
    assert attributes(collector.span("llm"))["interject.cut"] is True
    assert attributes(collector.span("bargein")) == {
        "interject.bargein.reason": "speech_over_echo",
        "interject.echo.delay_ms": 250.0,
        "interject.echo.delay_confidence": 0.75,
        "interject.echo.erle_db": 21.5,
        "interject.playout.heard_ms": 900,
        "interject.text.heard_characters": 11,
        "interject.text.unheard_characters": 19,
    }


def test_personal_data_stays_out(tracing: Tracing, collector: Collector) -> None:
    call = tracing.call(INFO)
    call.turn()
    bargein = call.bargein("quiet", 1.0, 1.0)
    bargein.set(heard(Interruption("Anna", "Schmidt", 1, 1)))
    call.stt("pocketsphinx").fail(ProviderError("cannot read 'Anna Schmidt'"))
    call.end("bot")
    tracing.close(deadline_s=5.0)
    assert collector.spans
    for secret in (b"Anna", b"Schmidt", b"+4930"):
        assert secret not in collector.raw


def test_texts_are_there_if_they_are_asked_for_and_never_without_end(collector: Collector) -> None:
    tracing = Tracing(f"{collector.url}/v1/traces", content=True)
    call = tracing.call(INFO)
    turn = call.turn()
    call.recognized("where is " + "my " * 1000, "42#")
    tts = call.tts("espeak-ng")
    tts.tell({"bot": "Your parcel", "nothing": ""})
    call.end("bot")
    tts.tell({"bot": "late"})
    tracing.close(deadline_s=5.0)
    assert turn.ended
    found = attributes(collector.span("turn"))
    assert str(found["interject.text.caller"]).startswith("where is my")
    assert len(str(found["interject.text.caller"])) == LONGEST_TEXT
    assert found["interject.text.digits"] == "42#"
    assert attributes(collector.span("tts"))["interject.text.bot"] == "Your parcel"
    assert "interject.text.nothing" not in attributes(collector.span("tts"))
    assert b"+4930" not in collector.raw


@pytest.mark.parametrize(
    ("reason", "text", "digits", "suspicious"),
    [
        ("speech_over_echo", "", "", True),
        ("speech_over_echo", "stop", "", False),
        ("speech_over_echo", "", "1", False),
        ("dtmf", "", "", False),
    ],
)
def test_a_stop_after_which_nothing_was_recognized_is_suspicious(
    collector: Collector, reason: str, text: str, digits: str, suspicious: bool
) -> None:
    """And so the call is exported, though it is outside the share."""
    tracing = Tracing(f"{collector.url}/v1/traces", sample_ratio=0.0)
    call = tracing.call(INFO)
    call.turn()
    call.bargein(reason, 250.0, 21.5, onset_ago_s=0.16).end()
    call.turn()
    call.recognized(text, digits)
    call.turn()
    call.recognized("", "")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    marked = [s for s in collector.spans if attributes(s).get("interject.bargein.suspicious")]
    assert [span.name for span in marked] == ["turn"] * suspicious
    assert bool(collector.spans) == suspicious


def test_a_call_that_breaks_off_leaves_no_span_behind(
    tracing: Tracing, collector: Collector
) -> None:
    call = tracing.call(INFO)
    turn = call.turn()
    stt = call.stt("pocketsphinx")
    call.end("lost")
    assert stt.ended
    assert turn.ended
    tracing.close(deadline_s=5.0)
    assert sorted(span.name for span in collector.spans) == ["call", "stt", "turn"]
    assert attributes(collector.span("stt"))["interject.cut"] is True
    ends = [collector.span(name).end_time_unix_nano for name in ("stt", "turn", "call")]
    assert ends == sorted(ends)


def test_ends_count_once_and_late_ones_are_harmless(
    tracing: Tracing, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    call = tracing.call(INFO)
    call.turn()
    tts = call.tts("espeak-ng")
    call.end("lost")
    call.end("bot")
    tts.end()
    tts.fail(ProviderError("late"))
    tts.first_chunk()
    call.turn().end()
    call.llm("late").end()
    call.bargein("late", 1.0, 1.0).end()
    tracing.close(deadline_s=5.0)
    assert sorted(span.name for span in collector.spans) == ["call", "tts", "turn"]
    assert attributes(collector.span("call"))["interject.call.ended"] == "lost"
    assert caplog.records == []


def test_the_bargein_begins_at_the_onset(tracing: Tracing, collector: Collector) -> None:
    call = tracing.call(INFO)
    call.turn()
    call.bargein("speech_no_echo", math.nan, math.nan, onset_ago_s=0.16).end()
    call.end("bot")
    tracing.close(deadline_s=5.0)
    span = collector.span("bargein")
    assert span.end_time_unix_nano - span.start_time_unix_nano == 170_000_000
    assert attributes(span) == {"interject.bargein.reason": "speech_no_echo"}


def test_a_failure_names_its_kind(tracing: Tracing, collector: Collector) -> None:
    call = tracing.call(INFO)
    call.llm("openai", "some-model").fail(ProviderError("no answer"))
    call.end("bot")
    tracing.close(deadline_s=5.0)
    span = collector.span("llm")
    assert span.parent_span_id == collector.span("call").span_id
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "ProviderError"


def test_the_standard_resource_variables_apply(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "parcels")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=pod-7")
    tracing = Tracing(f"{collector.url}/v1/traces")
    tracing.call(INFO).end("bot")
    tracing.close(deadline_s=5.0)
    assert collector.resources[0]["service.name"] == "parcels"
    assert collector.resources[0]["k8s.pod.name"] == "pod-7"


@pytest.mark.timeout(15)
def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        tracing = Tracing(url)
        tracing.call(INFO).end("bot")
        tracing.close(deadline_s=0.1)
        assert f"traces: {url} took no spans for 0.1 s" in caplog.text
        tracing.close(deadline_s=0.1)


def test_without_an_endpoint_neither_sdk_nor_thread_is_there() -> None:
    program = (
        "import sys, threading\n"
        "from media_pod.dialogues.ports import CallInfo\n"
        "from media_pod.telemetry.tracing import Tracing\n"
        "tracing = Tracing(None)\n"
        "call = tracing.call(CallInfo('u'))\n"
        "call.turn(); call.stt('p').end(); call.bargein('r', 1.0, 1.0); call.end('bot')\n"
        "tracing.close(1.0)\n"
        "assert threading.active_count() == 1\n"
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter', 'requests')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("configured", "environ", "url"),
    [
        ("", {}, None),
        ("http://c:4318", {}, "http://c:4318/v1/traces"),
        ("http://c:4318/", {}, "http://c:4318/v1/traces"),
        ("http://c:4318/v1/traces", {}, "http://c:4318/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://e:4318"}, "http://e:4318/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/x"}, "http://t/x"),
        ("http://c", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/x"}, "http://c/v1/traces"),
        ("http://c", {"OTEL_SDK_DISABLED": "True"}, None),
    ],
)
def test_where_traces_go(configured: str, environ: dict[str, str], url: str | None) -> None:
    assert traces_url(configured, environ) == url
