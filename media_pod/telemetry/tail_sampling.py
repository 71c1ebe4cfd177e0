"""Which calls' traces are exported: a share of all, and every call in which something went wrong.

A span tells when it ends. Of a call that the share leaves out the spans are held back, in order of
their end, until

    one is worth it      what was held back is exported, and so is all that comes after it
    its `call` ends      what was held back is dropped

A span is worth it if its status is an error, or if it is marked as suspicious. The share goes by
the last 56 bits of the trace id, as OpenTelemetry's collectors do, so that every pod and collector
on a call's way decides alike. (In a UUID of version 4 they are random; those before are not.)

Bounds: `SPANS_PER_CALL` of one call, the oldest dropped first; `SPANS` of all, where the calls that
have been quiet for longest are dropped first; `CALLS` that are known to be worth it.
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


def worth_it(span: ReadableSpan) -> bool:
    """Whether this span alone is a reason to look at its call."""
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
        self._worth: OrderedDict[int, None] = OrderedDict()

    def exported(self, trace_id: int) -> bool:
        """Whether, as far as is known by now, the trace is exported."""
        return in_share(trace_id, self._ratio) or trace_id in self._worth

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """See `SpanProcessor.on_start`."""
        self._then.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Export, hold back or drop."""
        trace_id = span.context.trace_id
        if self.exported(trace_id):
            self._then.on_end(span)
        elif worth_it(span):
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
        self._worth[trace_id] = None
        if len(self._worth) > CALLS:
            self._worth.popitem(last=False)

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
