"""Traces: exported to a real collector over HTTP, read back, and free of cost when off."""

import itertools
import math
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from media_pod.call.events import (
    BargeIn,
    Ducked,
    ProviderAnswered,
    ProviderCancelled,
    ProviderFailed,
    ProviderFinished,
    Recognized,
)
from media_pod.dialogues.ports import CallInfo
from media_pod.providers.chat import Usage
from media_pod.providers.requests import ProviderRequest
from media_pod.telemetry.spans import LONGEST_TEXT
from media_pod.telemetry.tracing import Tracing, traces_url
from otlp_collector import Collector
from telemetry.doubles import STEP_NS, Clock, EventfulCall, attributes

UUID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
INFO = CallInfo(UUID, from_number="+49301234567", to_number="1000")

_span_ids = itertools.count(1)


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def tracing(collector: Collector) -> Iterator[Tracing]:
    """Sends to the collector."""
    tracing = Tracing(traces_url(collector.url, {}), agent="desk")
    yield tracing
    tracing.close(deadline_s=5.0)


def connected(tracing: Tracing) -> EventfulCall:
    return EventfulCall(tracing.on_event, Clock(), INFO, next(_span_ids)).connect()


def test_a_call_is_exported_with_its_parents(tracing: Tracing, collector: Collector) -> None:
    call = connected(tracing)
    call.turn()
    llm, tts = call.request("llm", "parcel-desk"), call.request("tts", "espeak-ng", "en-us")
    call.send(ProviderAnswered, tts)
    call.barge_in()
    call.send(ProviderCancelled, llm)
    call.send(ProviderCancelled, tts)
    call.turn()
    call.send(ProviderFinished, call.request("stt", "pocketsphinx"))
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
    call = connected(tracing)
    call.turn()
    call.send(BargeIn, "quiet", 0.1, 1.0, 1.0, 1.0, "Anna", "Schmidt", 1)
    call.send(Recognized, "Anna Schmidt", "")
    call.send(ProviderFailed, call.request("tts", text="Anna Schmidt"), "ProviderError")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    assert collector.spans
    for secret in (b"Anna", b"Schmidt", b"+4930"):
        assert secret not in collector.raw


def test_texts_are_there_if_they_are_asked_for_and_never_without_end(collector: Collector) -> None:
    tracing = Tracing(f"{collector.url}/v1/traces", content=True)
    call = connected(tracing)
    call.turn()
    call.send(Recognized, "where is " + "my " * 1000, "42#")
    call.request("tts", text="Your parcel")
    call.send(ProviderFinished, call.request("llm"))
    call.end("bot")
    tracing.close(deadline_s=5.0)
    found = attributes(collector.span("turn"))
    assert str(found["interject.text.caller"]).startswith("where is my")
    assert len(str(found["interject.text.caller"])) == LONGEST_TEXT
    assert found["interject.text.digits"] == "42#"
    assert attributes(collector.span("tts"))["interject.text.bot"] == "Your parcel"
    assert "interject.text.bot" not in attributes(collector.span("llm"))
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
    call = connected(tracing)
    call.turn()
    call.barge_in(reason)
    call.turn()
    call.send(Recognized, text, digits)
    call.turn()
    call.send(Recognized, "", "")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    marked = [s for s in collector.spans if attributes(s).get("interject.bargein.suspicious")]
    assert [span.name for span in marked] == ["turn"] * suspicious
    assert bool(collector.spans) == suspicious


def test_a_call_that_breaks_off_leaves_no_span_behind(
    tracing: Tracing, collector: Collector
) -> None:
    call = connected(tracing)
    call.turn()
    call.request("stt", "pocketsphinx")
    call.end("lost")
    tracing.close(deadline_s=5.0)
    assert sorted(span.name for span in collector.spans) == ["call", "stt", "turn"]
    assert attributes(collector.span("stt"))["interject.cut"] is True
    ends = [collector.span(name).end_time_unix_nano for name in ("stt", "turn", "call")]
    assert ends == sorted(ends)


def test_ends_count_once_and_late_events_are_harmless(
    tracing: Tracing, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    call = connected(tracing)
    call.turn()
    tts = call.request("tts")
    call.end("lost")
    call.end("bot")
    call.send(ProviderAnswered, tts)
    call.send(ProviderFinished, tts)
    call.send(ProviderFailed, call.request("llm"), "ProviderError")
    call.turn()
    call.barge_in()
    tracing.close(deadline_s=5.0)
    assert sorted(span.name for span in collector.spans) == ["call", "tts", "turn"]
    assert attributes(collector.span("call"))["interject.call.ended"] == "lost"
    assert caplog.records == []


def test_events_that_were_dropped_on_their_way_are_no_fault(
    tracing: Tracing, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media_pod.telemetry.tracing.LIVE", 2)
    for _ in range(3):  # their ends are lost
        connected(tracing)
    call = connected(tracing)
    lost = ProviderRequest("llm", "built-in")
    call.send(ProviderAnswered, lost)
    call.send(ProviderFinished, lost)
    call.send(ProviderFailed, lost, "ProviderError")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    assert [span.name for span in collector.spans] == ["call"]


def test_the_bargein_begins_at_the_onset(tracing: Tracing, collector: Collector) -> None:
    call = connected(tracing)
    call.turn()
    call.send(BargeIn, "speech_no_echo", 0.16, math.nan, math.nan, math.nan, "", "no", 0)
    call.end("bot")
    tracing.close(deadline_s=5.0)
    span = collector.span("bargein")
    assert span.end_time_unix_nano - span.start_time_unix_nano == 160_000_000
    assert attributes(span) == {
        "interject.bargein.reason": "speech_no_echo",
        "interject.playout.heard_ms": 0,
        "interject.text.heard_characters": 0,
        "interject.text.unheard_characters": 2,
    }


def test_the_bargein_says_what_carried_it(tracing: Tracing, collector: Collector) -> None:
    call = connected(tracing)
    call.turn()
    why = (("envelope", 2.14), ("speech", 1.4), ("level", -0.3))
    call.send(BargeIn, "speech_over_echo", 0.16, 250.0, 0.75, 21.5, "", "no", 0, why)
    call.end("bot")
    tracing.close(deadline_s=5.0)
    found = attributes(collector.span("bargein"))["interject.bargein.why"]
    assert found == "envelope +2.1, speech +1.4, level -0.3"


def test_a_duck_is_an_event_of_its_turn_at_its_beginning(
    tracing: Tracing, collector: Collector
) -> None:
    call = connected(tracing)
    call.turn()
    began_ns = call.clock.now_ns
    call.clock.now_ns += 80_000_000 - STEP_NS
    call.send(Ducked, 80, "stopped")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    (duck,) = collector.span("turn").events
    assert (duck.name, duck.time_unix_nano) == ("duck", began_ns)
    assert attributes(duck) == {
        "interject.duck.lasted_ms": 80,
        "interject.duck.outcome": "stopped",
    }


def test_a_failure_names_its_kind(tracing: Tracing, collector: Collector) -> None:
    call = connected(tracing)
    call.send(ProviderFailed, call.request("llm", "openai", "some-model"), "rate_limited")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    span = collector.span("llm")
    assert span.parent_span_id == collector.span("call").span_id
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "rate_limited"
    assert attributes(span)["gen_ai.request.model"] == "some-model"


def test_the_standard_resource_variables_apply(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "parcels")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=pod-7")
    tracing = Tracing(f"{collector.url}/v1/traces")
    connected(tracing).end("bot")
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
        connected(tracing).end("bot")
        tracing.close(deadline_s=0.1)
        assert f"traces: {url} took no spans for 0.1 s" in caplog.text
        tracing.close(deadline_s=0.1)


def test_without_an_endpoint_neither_sdk_nor_thread_is_there() -> None:
    program = (
        "import sys, threading\n"
        "from media_pod.call.events import CallRef, Connected, Ended, TurnStarted\n"
        "from media_pod.dialogues.ports import CallInfo\n"
        "from media_pod.telemetry.tracing import Tracing\n"
        "tracing, call = Tracing(None), CallRef(CallInfo('u'), 1)\n"
        "for event in (Connected(0), TurnStarted(1, 0, 1), Ended(2, 'bot', '')):\n"
        "    tracing.on_event(call, event)\n"
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


def test_a_tool_is_a_span_of_its_turn_by_the_names_of_the_convention(
    tracing: Tracing, collector: Collector
) -> None:
    call = connected(tracing)
    call.turn()
    booking = call.request("tool", "book", text='{"guests": 2}')
    call.send(ProviderAnswered, booking)
    call.send(ProviderFinished, booking, None, "booked")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    span = collector.span("execute_tool book")
    assert span.parent_span_id == collector.span("turn").span_id
    assert attributes(span) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "book",
        "gen_ai.response.time_to_first_chunk": 0.01,
    }
    assert b"guests" not in collector.raw
    assert b"booked" not in collector.raw


def test_what_a_tool_was_told_and_said_is_there_if_it_is_asked_for(collector: Collector) -> None:
    tracing = Tracing(f"{collector.url}/v1/traces", content=True)
    call = connected(tracing)
    call.send(ProviderFinished, call.request("tool", "book", text='{"guests": 2}'), None, "booked")
    call.end("bot")
    tracing.close(deadline_s=5.0)
    found = attributes(collector.span("execute_tool book"))
    assert found["gen_ai.tool.call.arguments"] == '{"guests": 2}'
    assert found["gen_ai.tool.call.result"] == "booked"


def test_a_tool_goes_on_through_an_interruption(tracing: Tracing, collector: Collector) -> None:
    call = connected(tracing)
    call.turn()
    booking, llm = call.request("tool", "book"), call.request("llm")
    hanging = call.request("tool", "hang")
    call.barge_in()
    call.turn()
    call.send(ProviderFinished, booking, None, "booked")
    call.send(ProviderCancelled, llm)
    call.end("caller")
    call.send(ProviderCancelled, hanging)
    tracing.close(deadline_s=5.0)
    span = collector.span("execute_tool book")
    assert span.parent_span_id == collector.span("turn", 0).span_id
    assert "interject.cut" not in attributes(span)
    assert span.end_time_unix_nano > collector.span("turn", 0).end_time_unix_nano
    assert attributes(collector.span("llm"))["interject.cut"] is True
    assert attributes(collector.span("execute_tool hang"))["interject.cut"] is True


def test_a_reply_has_its_tokens(tracing: Tracing, collector: Collector) -> None:
    call = connected(tracing)
    llm = call.request("llm", "openai", "some-model")
    call.send(ProviderAnswered, llm)
    call.send(ProviderFinished, llm, Usage(120, 34))
    call.end("bot")
    tracing.close(deadline_s=5.0)
    assert attributes(collector.span("llm")) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "some-model",
        "gen_ai.response.time_to_first_chunk": 0.01,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 34,
    }
