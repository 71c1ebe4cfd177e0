"""Tail sampling: the spans of a share of all calls are exported, and of each call with a fault.

The decision falls when spans end. Spans of a call outside the share are held, in the order of their
ends, until

    one reports a fault  the held spans are exported, and so is every later span of the call
    its `call` ends      the held spans are dropped

A span reports a fault if its status is an error, or if it is marked as suspicious. The share goes
by the last 56 bits of the trace id, as in OpenTelemetry's collectors, so that every pod and
collector on a call's way decides alike. (In a UUID of version 4 those bits are random, the bits
before them are not.)

Bounds: `SPANS_PER_CALL` held of one call, the oldest dropped first; `SPANS` of all calls, where the
calls that have been quiet for longest are dropped first; `CALLS` with a known fault.
"""

from collections import OrderedDict, deque
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from media_pod.telemetry.call_trace import CALL, SUSPICIOUS

SPANS_PER_CALL: Final = 256
"""Of a call that is talkative: half an hour. The turns before a fault say most about it."""
SPANS: Final = 8192
"""25 MB in memory."""
CALLS: Final = 1024
RANDOM_BITS: Final = 56


def in_share(trace_id: int, ratio: float) -> bool:
    """Whether the share `ratio`, 0..1, of all traces has this one."""
    randomness = trace_id & ((1 << RANDOM_BITS) - 1)
    return randomness >= round((1 - ratio) * (1 << RANDOM_BITS))


def reports_fault(span: ReadableSpan) -> bool:
    """Whether this span alone is a reason to export its call."""
    suspicious = span.attributes is not None and span.attributes.get(SUSPICIOUS) is True
    return span.status.status_code is StatusCode.ERROR or suspicious


class TailSamplingProcessor(SpanProcessor):
    """In front of the processor that exports. Spans have to end in one thread.

    Args:
        then: gets the spans that are to be exported.
        ratio: the share of calls, 0..1.
    """

    def __init__(self, then: SpanProcessor, ratio: float) -> None:
        self._then = then
        self._ratio = ratio
        self._held: OrderedDict[int, deque[ReadableSpan]] = OrderedDict()
        self._held_spans = 0
        self._faulty: OrderedDict[int, None] = OrderedDict()

    def exported(self, trace_id: int) -> bool:
        """Whether, as far as is known by now, the trace is exported."""
        return in_share(trace_id, self._ratio) or trace_id in self._faulty

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """See `SpanProcessor.on_start`."""
        self._then.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Export, hold back or drop."""
        trace_id = span.context.trace_id
        if self.exported(trace_id):
            self._then.on_end(span)
        elif reports_fault(span):
            self._remember(trace_id)
            for held in (*self._let_go(trace_id), span):
                self._then.on_end(held)
        elif span.name == CALL:
            self._let_go(trace_id)
        else:
            self._hold(trace_id, span)

    def shutdown(self) -> None:
        """See `SpanProcessor.shutdown`."""
        self._held.clear()
        self._held_spans = 0
        self._then.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See `SpanProcessor.force_flush`."""
        return self._then.force_flush(timeout_millis)

    def _remember(self, trace_id: int) -> None:
        self._faulty[trace_id] = None
        if len(self._faulty) > CALLS:
            self._faulty.popitem(last=False)

    def _let_go(self, trace_id: int) -> deque[ReadableSpan]:
        held = self._held.pop(trace_id, None) or deque()
        self._held_spans -= len(held)
        return held

    def _hold(self, trace_id: int, span: ReadableSpan) -> None:
        held = self._held.setdefault(trace_id, deque(maxlen=SPANS_PER_CALL))
        self._held.move_to_end(trace_id)
        self._held_spans += len(held) < SPANS_PER_CALL
        held.append(span)
        if self._held_spans > SPANS:
            self._let_go(next(iter(self._held)))
