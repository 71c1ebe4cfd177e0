"""How calls come and go, as a collector sees it: one trace per call, whatever becomes of it."""

import itertools
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from media_pod.dialogues.ports import CallInfo
from media_pod.telemetry.arrivals import REMEMBERED
from media_pod.telemetry.trace_context import context_of
from media_pod.telemetry.tracing import Tracing
from otlp_collector import Collector

UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
TRACE_ID = bytes.fromhex(UUID.replace("-", ""))
TICK_NS = 10_000_000


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


class Pod:
    """A pod's tracing; each look at the clock is 10 ms after the one before."""

    def __init__(self, collector: Collector, sample_ratio: float = 1.0) -> None:
        ticks = itertools.count(1_700_000_000_000_000_000, TICK_NS)
        self.tracing = Tracing(
            f"{collector.url}/v1/traces",
            "desk",
            lambda: next(ticks),
            sample_ratio=sample_ratio,
        )
        self.arrivals = self.tracing.arrivals

    def reserve(self, info: CallInfo, question: str = "call-start") -> None:
        self.arrivals.taken(self.arrivals.ask(info, question))

    def close(self) -> None:
        self.tracing.close(deadline_s=5.0)


@pytest.fixture
def pod(collector: Collector) -> Iterator[Pod]:
    pod = Pod(collector)
    yield pod
    pod.close()


def info(leg: int | None = None, traceparent: str = "") -> CallInfo:
    return CallInfo(UUID, traceparent=traceparent, leg=leg)


def attributes(span: Span) -> dict[str, object]:
    return {
        item.key: getattr(item.value, str(item.value.WhichOneof("value")))
        for item in span.attributes
    }


def length_ns(span: Span) -> int:
    return span.end_time_unix_nano - span.start_time_unix_nano


def test_a_call_begins_with_its_question(pod: Pod, collector: Collector) -> None:
    pod.reserve(info())
    pod.tracing.call(info()).end("bot")
    pod.close()
    call, asked = collector.span("call"), collector.span("reservation")
    connect = collector.span("connect")
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}
    assert call.parent_span_id == b""
    assert asked.parent_span_id == connect.parent_span_id == call.span_id
    assert call.start_time_unix_nano == asked.start_time_unix_nano
    assert asked.end_time_unix_nano == connect.start_time_unix_nano
    assert length_ns(asked) == length_ns(connect) == TICK_NS
    assert attributes(asked) == {
        "interject.question": "call-start",
        "interject.reservation.outcome": "taken",
    }


def test_audio_that_does_not_come_is_a_fault_in_the_calls_trace(
    pod: Pod, collector: Collector
) -> None:
    pod.reserve(info())
    pod.arrivals.expired(UUID)
    pod.arrivals.expired(UUID)
    pod.close()
    assert [span.name for span in collector.spans] == ["reservation", "connect"]
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}
    connect = collector.span("connect")
    assert connect.status.code == Status.STATUS_CODE_ERROR
    assert attributes(connect) == {"gen_ai.conversation.id": UUID, "error.type": "timeout"}


def test_a_refusal_says_why_and_a_peer_is_named(pod: Pod, collector: Collector) -> None:
    pod.arrivals.ask(info(), "call-start").refused("FullError")
    pod.arrivals.ask(info(), "call-next").elsewhere("10.0.0.7:3000")
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
    call = pod.tracing.call(info())
    if early:
        pod.arrivals.hung_up(UUID, "16")
    call.end("caller")
    pod.arrivals.ended(UUID)
    if not early:
        pod.arrivals.hung_up(UUID, "16")
    pod.close()
    last = collector.span("call-end")
    assert last.parent_span_id == collector.span("call").span_id
    assert attributes(last) == {"interject.call.cause": "16"}


def test_a_caller_who_hangs_up_before_the_audio_is_no_fault(pod: Pod, collector: Collector) -> None:
    pod.reserve(info())
    pod.arrivals.hung_up(UUID, "")
    pod.close()
    assert [span.name for span in collector.spans] == ["reservation", "connect", "call-end"]
    assert {span.status.code for span in collector.spans} == {Status.STATUS_CODE_UNSET}
    assert {span.trace_id for span in collector.spans} == {TRACE_ID}


def test_a_pod_that_takes_a_call_over_is_linked_to_the_leg_before(
    pod: Pod, collector: Collector
) -> None:
    """The other pod has crashed and tells nobody anything."""
    gone = Pod(collector)
    gone.reserve(info(leg=0))
    lost = gone.tracing.call(info(leg=0))
    lost.turn().end()
    pod.reserve(info(leg=1), "call-next")
    pod.tracing.call(info(leg=1)).end("bot")
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
    pod.tracing.call(info()).end("caller")
    pod.arrivals.ended(UUID)
    pod.reserve(info(), "call-next")
    pod.tracing.call(info()).end("bot")
    pod.close()
    first, second = collector.span("call"), collector.span("call", 1)
    assert [link.span_id for link in second.links] == [first.span_id]
    assert list(first.links) == []


def test_a_trace_that_began_elsewhere_goes_on(pod: Pod, collector: Collector) -> None:
    told = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    pod.reserve(info(0, told))
    pod.tracing.call(CallInfo(UUID)).end("bot")
    pod.close()
    call = collector.span("call")
    assert call.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert call.parent_span_id.hex() == "00f067aa0ba902b7"
    assert attributes(call)["gen_ai.conversation.id"] == UUID


def test_after_a_transfer_the_next_agents_call_is_linked(pod: Pod, collector: Collector) -> None:
    """It has a UUID of its own; the dialplan keeps the traceparent and counts on."""
    first = context_of(info())
    told = f"00-{first.trace_id:032x}-{first.parent_id:016x}-01"
    pod.tracing.call(info(0, told)).end("bot", "sales,100,1")
    other = CallInfo("7ba7b810-9dad-41d1-80b4-00c04fd430c8", traceparent=told, leg=1)
    pod.tracing.call(other).end("bot")
    pod.close()
    before, after = collector.span("call"), collector.span("call", 1)
    assert before.trace_id == after.trace_id == TRACE_ID
    assert [link.span_id for link in after.links] == [before.span_id]
    assert attributes(before)["interject.call.goto"] == "sales,100,1"


def test_a_drain_is_noted_in_every_call_that_is_here(pod: Pod, collector: Collector) -> None:
    call = pod.tracing.call(info())
    pod.arrivals.note("drain")
    call.end("bot")
    pod.arrivals.ended(UUID)
    pod.arrivals.note("drain")
    pod.close()
    assert [event.name for event in collector.span("call").events] == ["drain"]


def test_what_never_ends_is_forgotten(pod: Pod, collector: Collector) -> None:
    for number in range(REMEMBERED + 1):
        pod.reserve(CallInfo(f"6ba7b810-9dad-41d1-80b4-{number:012x}"))
    pod.arrivals.expired("6ba7b810-9dad-41d1-80b4-000000000000")
    pod.arrivals.expired("6ba7b810-9dad-41d1-80b4-000000000001")
    pod.close()
    assert len(collector.spans) == 2


@pytest.mark.parametrize(("ended", "exported"), [("bot", 0), ("caller", 0), ("error", 4)])
def test_outside_the_share_a_call_that_failed_is_there_from_its_question_on(
    collector: Collector, ended: str, exported: int
) -> None:
    pod = Pod(collector, sample_ratio=0.0)
    pod.reserve(info())
    call = pod.tracing.call(info())
    assert call.trace_id_hex == ""
    call.turn()
    call.end(ended)
    assert call.trace_id_hex == (TRACE_ID.hex() if exported else "")
    pod.close()
    assert len(collector.spans) == exported
