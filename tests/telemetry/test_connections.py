"""Reservations and connections, as a collector sees them: one trace per call in every case."""

from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from media_pod.call.events import (
    CallRef,
    DrainStarted,
    Event,
    HungUp,
    ProviderFailed,
    ReservationExpired,
    ReservationRedirected,
    ReservationRefused,
    Reserved,
)
from media_pod.dialogues.ports import CallInfo
from media_pod.telemetry.trace_context import context_of
from media_pod.telemetry.tracing import REMEMBERED, Tracing
from otlp_collector import Collector
from telemetry.doubles import STEP_NS, Clock, EventfulCall, attributes

UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
TRACE_ID = bytes.fromhex(UUID.replace("-", ""))


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


class Pod:
    """A pod's tracing, and what the dialplan asks of the pod."""

    def __init__(self, collector: Collector, sample_ratio: float = 1.0) -> None:
        self.tracing = Tracing(f"{collector.url}/v1/traces", "desk", sample_ratio=sample_ratio)
        self.clock = Clock()
        self._connections = 0

    def send(self, info: CallInfo, event: Event) -> None:
        self.tracing.on_event(CallRef(info), event)

    def reserve(self, info: CallInfo, question: str = "call-start") -> None:
        asked_ns = self.clock()
        self.send(info, Reserved(self.clock(), question, asked_ns))

    def expire(self) -> None:
        self.send(info(), ReservationExpired(self.clock()))

    def hang_up(self, cause: str) -> None:
        self.send(info(), HungUp(self.clock(), cause))

    def connect(self, info: CallInfo) -> EventfulCall:
        self._connections += 1
        span_id = 0 if info.leg is not None else self._connections
        return EventfulCall(self.tracing.on_event, self.clock, info, span_id).connect()

    def close(self) -> None:
        self.tracing.close(deadline_s=5.0)


@pytest.fixture
def pod(collector: Collector) -> Iterator[Pod]:
    pod = Pod(collector)
    yield pod
    pod.close()


def info(leg: int | None = None, traceparent: str = "") -> CallInfo:
    return CallInfo(UUID, traceparent=traceparent, leg=leg)


def length_ns(span: Span) -> int:
    return span.end_time_unix_nano - span.start_time_unix_nano


def test_a_call_begins_with_its_question(pod: Pod, collector: Collector) -> None:
    pod.reserve(info())
    pod.connect(info()).end("bot")
    pod.close()
    call, asked = collector.span("call"), collector.span("reservation")
    connect = collector.span("connect")
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}
    assert call.parent_span_id == b""
    assert asked.parent_span_id == connect.parent_span_id == call.span_id
    assert call.start_time_unix_nano == asked.start_time_unix_nano
    assert asked.end_time_unix_nano == connect.start_time_unix_nano
    assert length_ns(asked) == length_ns(connect) == STEP_NS
    assert attributes(asked) == {
        "interject.question": "call-start",
        "interject.reservation.outcome": "taken",
    }


def test_audio_that_does_not_come_is_a_fault_in_the_calls_trace(
    pod: Pod, collector: Collector
) -> None:
    pod.reserve(info())
    pod.expire()
    pod.expire()
    pod.close()
    assert [span.name for span in collector.spans] == ["reservation", "connect"]
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}
    connect = collector.span("connect")
    assert connect.status.code == Status.STATUS_CODE_ERROR
    assert attributes(connect) == {"gen_ai.conversation.id": UUID, "error.type": "timeout"}


def test_a_refusal_says_why_and_a_peer_is_named(pod: Pod, collector: Collector) -> None:
    asked_ns = pod.clock()
    pod.send(info(), ReservationRefused(pod.clock(), "call-start", asked_ns, "FullError"))
    pod.send(info(), ReservationRedirected(pod.clock(), "call-next", asked_ns, "10.0.0.7:3000"))
    pod.close()
    refused, elsewhere = collector.span("reservation"), collector.span("reservation", 1)
    assert refused.status.code == Status.STATUS_CODE_ERROR
    assert attributes(refused)["error.type"] == "FullError"
    assert elsewhere.status.code == Status.STATUS_CODE_UNSET
    assert attributes(elsewhere) == {
        "gen_ai.conversation.id": UUID,
        "interject.question": "call-next",
        "interject.reservation.outcome": "elsewhere",
        "interject.reservation.peer": "10.0.0.7:3000",
    }


@pytest.mark.parametrize("early", [True, False])
def test_the_dialplans_last_word_is_below_the_call_whenever_it_comes(
    pod: Pod, collector: Collector, early: bool
) -> None:
    call = pod.connect(info())
    if early:
        pod.hang_up("16")
    call.end("caller")
    if not early:
        pod.hang_up("16")
    pod.close()
    last = collector.span("call-end")
    assert last.parent_span_id == collector.span("call").span_id
    assert attributes(last) == {"interject.call.cause": "16"}


def test_a_caller_who_hangs_up_before_the_audio_is_no_fault(pod: Pod, collector: Collector) -> None:
    pod.reserve(info())
    pod.hang_up("")
    pod.close()
    assert [span.name for span in collector.spans] == ["reservation", "connect", "call-end"]
    assert {span.status.code for span in collector.spans} == {Status.STATUS_CODE_UNSET}
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}


def test_a_pod_that_takes_a_call_over_is_linked_to_the_leg_before(
    pod: Pod, collector: Collector
) -> None:
    """The other pod has crashed and sends nothing more."""
    gone = Pod(collector)
    gone.reserve(info(leg=0))
    lost = gone.connect(info(leg=0))
    lost.turn()
    lost.turn()
    pod.reserve(info(leg=1), "call-next")
    pod.connect(info(leg=1)).end("bot")
    gone.close()
    pod.close()
    (call,) = (span for span in collector.spans if span.name == "call")
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}
    (link,) = call.links
    assert link.trace_id == TRACE_ID
    assert link.span_id == collector.span("turn").parent_span_id
    assert attributes(call)["interject.call.leg"] == 1
    asked = [span for span in collector.spans if span.parent_span_id == call.span_id]
    assert attributes(asked[0])["interject.question"] == "call-next"


def test_a_call_that_comes_back_is_linked_even_if_nobody_counts(
    pod: Pod, collector: Collector
) -> None:
    pod.connect(info()).end("caller")
    pod.reserve(info(), "call-next")
    pod.connect(info()).end("bot")
    pod.close()
    first, second = collector.span("call"), collector.span("call", 1)
    assert [link.span_id for link in second.links] == [first.span_id]
    assert list(first.links) == []


def test_a_trace_that_began_elsewhere_goes_on(pod: Pod, collector: Collector) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    pod.reserve(info(0, parent))
    pod.connect(CallInfo(UUID)).end("bot")
    pod.close()
    call = collector.span("call")
    assert call.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert call.parent_span_id.hex() == "00f067aa0ba902b7"
    assert attributes(call)["gen_ai.conversation.id"] == UUID


def test_after_a_transfer_the_next_agents_call_is_linked(pod: Pod, collector: Collector) -> None:
    """It has a UUID of its own; the dialplan keeps the traceparent and counts on."""
    first = context_of(info())
    parent = f"00-{first.trace_id:032x}-{first.parent_id:016x}-01"
    pod.connect(info(0, parent)).end("bot", "sales,100,1")
    other = CallInfo("7ba7b810-9dad-41d1-80b4-00c04fd430c8", traceparent=parent, leg=1)
    pod.connect(other).end("bot")
    pod.close()
    before, after = collector.span("call"), collector.span("call", 1)
    assert before.trace_id == after.trace_id == TRACE_ID
    assert [link.span_id for link in after.links] == [before.span_id]
    assert attributes(before)["interject.call.goto"] == "sales,100,1"


def test_a_drain_is_noted_in_every_call_that_is_here(pod: Pod, collector: Collector) -> None:
    call = pod.connect(info())
    pod.tracing.on_event(call.ref, DrainStarted(pod.clock()))
    call.end("bot")
    pod.tracing.on_event(call.ref, DrainStarted(pod.clock()))
    pod.close()
    assert [event.name for event in collector.span("call").events] == ["drain"]


def test_what_never_ends_is_forgotten(pod: Pod, collector: Collector) -> None:
    for number in range(REMEMBERED + 1):
        pod.reserve(CallInfo(f"6ba7b810-9dad-41d1-80b4-{number:012x}"))
    for number in range(2):
        forgotten = CallInfo(f"6ba7b810-9dad-41d1-80b4-{number:012x}")
        pod.send(forgotten, ReservationExpired(pod.clock()))
    pod.close()
    assert len(collector.spans) == 2


@pytest.mark.parametrize(("ended", "exported"), [("bot", 0), ("caller", 0), ("error", 4)])
def test_outside_the_share_a_call_that_failed_is_there_from_its_question_on(
    collector: Collector, ended: str, exported: int
) -> None:
    pod = Pod(collector, sample_ratio=0.0)
    pod.reserve(info())
    call = pod.connect(info())
    assert pod.tracing.trace_id_hex(call.ref) == ""
    call.turn()
    call.end(ended)
    pod.close()
    assert len(collector.spans) == exported


def test_outside_the_share_a_call_has_exemplars_once_something_failed(
    collector: Collector,
) -> None:
    pod = Pod(collector, sample_ratio=0.0)
    call = pod.connect(info())
    call.turn()
    assert pod.tracing.trace_id_hex(call.ref) == ""
    call.send(ProviderFailed, call.request("llm"), "ProviderError")
    assert pod.tracing.trace_id_hex(call.ref) == TRACE_ID.hex()
    call.end("bot")
    pod.close()
