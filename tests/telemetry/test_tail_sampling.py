"""Which calls are exported: a share, and whatever is worth it; what is held back has a bound."""

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from media_pod.telemetry import tail_sampling
from media_pod.telemetry.call_trace import SUSPICIOUS
from media_pod.telemetry.tail_sampling import SPANS_PER_CALL, TailSamplingProcessor, in_share

ids = itertools.count(1)


class Exported(SpanProcessor):
    """Keeps what would be exported."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]


@pytest.fixture
def exported() -> Exported:
    return Exported()


@pytest.fixture
def none(exported: Exported) -> TailSamplingProcessor:
    """Exports what is worth it, and no share."""
    return TailSamplingProcessor(exported, 0.0)


def span(name: str, trace_id: int = 1, *, failed: bool = False, odd: bool = False) -> ReadableSpan:
    return ReadableSpan(
        name,
        SpanContext(trace_id, next(ids), False, TraceFlags(1)),
        attributes={SUSPICIOUS: True} if odd else {},
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
    )


def test_all_is_exported_at_once_by_default(exported: Exported) -> None:
    processor = TailSamplingProcessor(exported, 1.0)
    processor.on_end(span("turn"))
    assert exported.names == ["turn"]
    assert processor.exported(1)


def test_a_call_in_which_all_went_well_is_dropped_at_its_end(
    none: TailSamplingProcessor, exported: Exported
) -> None:
    for name in ("stt", "turn", "call"):
        none.on_end(span(name))
    none.on_end(span("later", failed=True))
    assert exported.names == ["later"]


@pytest.mark.parametrize("sign", [{"failed": True}, {"odd": True}])
def test_a_sign_brings_out_what_came_before_it_and_what_comes_after(
    none: TailSamplingProcessor, exported: Exported, sign: dict[str, bool]
) -> None:
    none.on_end(span("turn 1"))
    none.on_end(span("of another", trace_id=2))
    assert not none.exported(1)
    none.on_end(span("turn 2", **sign))
    assert none.exported(1)
    none.on_end(span("turn 3"))
    none.on_end(span("call"))
    none.on_end(span("call-end"))
    assert exported.names == ["turn 1", "turn 2", "turn 3", "call", "call-end"]
    assert not none.exported(2)


def test_of_a_long_call_the_oldest_spans_go(
    none: TailSamplingProcessor, exported: Exported
) -> None:
    for number in range(SPANS_PER_CALL + 3):
        none.on_end(span(f"turn {number}"))
    none.on_end(span("call", failed=True))
    assert exported.names[0] == "turn 3"
    assert len(exported.spans) == SPANS_PER_CALL + 1


def test_of_many_calls_those_that_were_quiet_for_longest_go(
    none: TailSamplingProcessor, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = 64  # the bound itself takes ten seconds to fill
    monkeypatch.setattr(tail_sampling, "SPANS", spans)
    none.on_end(span("busy", trace_id=1))
    none.on_end(span("quiet", trace_id=2))
    for trace_id in range(3, spans + 1):
        none.on_end(span("turn", trace_id=trace_id))
    none.on_end(span("busy", trace_id=1))
    for trace_id in (1, 2, 3):
        none.on_end(span("call", trace_id=trace_id, failed=True))
    assert exported.names == ["busy", "busy", "call", "call", "turn", "call"]


def test_calls_with_a_fault_are_forgotten_in_the_end(
    none: TailSamplingProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 32
    monkeypatch.setattr(tail_sampling, "CALLS", calls)
    for trace_id in range(1, calls + 2):
        none.on_end(span("turn", trace_id, failed=True))
    assert not none.exported(1)
    assert none.exported(2)


@given(st.uuids(version=4))
def test_the_ends_of_the_share(each: uuid.UUID) -> None:
    assert in_share(each.int, 1.0)
    assert not in_share(each.int, 0.0)


@given(st.uuids(version=4), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_has_all_of_a_smaller_one(each: uuid.UUID, one: float, two: float) -> None:
    small, large = sorted((one, two))
    assert in_share(each.int, large) or not in_share(each.int, small)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_the_share_is_what_was_asked_for(ratio: float) -> None:
    """Of UUIDs of version 4, six bits of which are the same in all."""
    drawn = (uuid.UUID(int=seed * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128), version=4)
             for seed in range(20_000))  # fmt: skip
    found = sum(in_share(each.int, ratio) for each in drawn) / 20_000
    assert found == pytest.approx(ratio, abs=0.02)


def test_it_works_where_the_sdk_calls_it(exported: Exported) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(TailSamplingProcessor(exported, 0.0))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("call") as call:
        tracer.start_span("turn").end()
        call.set_status(StatusCode.ERROR)
    provider.shutdown()
    assert exported.names == ["turn", "call"]
