"""Spans that are opened and closed by hand: a turn begins in one callback and ends in another.

Whatever closes takes with it what is still open below, marked as cut, so that a call that breaks
off leaves no span behind.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    Tracer,
    set_span_in_context,
)

from media_pod.telemetry.trace_context import TraceContext

TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
CUT = "interject.cut"
LONGEST_TEXT: Final = 1000
"""Characters of a text that are kept; a sentence has 100."""

Value = str | int | float | bool
ClockNs = Callable[[], int]
"""Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """What all spans of a pod are made with."""

    tracer: Tracer
    agent: str
    """Name of the agent."""
    clock_ns: ClockNs
    content: bool
    """Whether texts are recorded."""
    choose: Callable[[int, int | None], None]
    """Told the trace id, and the span id if it matters, of a span that is about to start."""
    exported: Callable[[int], bool]
    """Whether the trace of that id is exported, as far as is known by now."""

    def start(
        self,
        name: str,
        within: TraceContext,
        started_ns: int,
        span_id: int | None = None,
        before: SpanContext | None = None,
    ) -> Span:
        """A span of a trace that is the pod's outermost.

        Args:
            within: the trace, and what is above the span there.
            span_id: the span's own.
            before: of a leg before this one, which the span is linked to.
        """
        context = Context()
        if (parent := within.parent) is not None:
            context = set_span_in_context(NonRecordingSpan(parent), context)
        links = [] if before is None else [Link(before, {"interject.link": "leg before"})]
        self.choose(within.trace_id, span_id)
        return self.tracer.start_span(name, context, links=links, start_time=started_ns)


class OpenSpan:
    """A span that ends once, however often it is told to."""

    def __init__(self, span: Span, recorder: Recorder, started_ns: int) -> None:
        self._span = span
        self._recorder = recorder
        self._started_ns = started_ns
        self._below: set[OpenSpan] = set()
        self._above: OpenSpan | None = None
        self._chunk_seen = False
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes, unless it has ended. Numbers that are not finite are left out: nothing
        is known there."""
        if self._ended:
            return
        known = {
            name: value
            for name, value in attributes.items()
            if not isinstance(value, float) or math.isfinite(value)
        }
        self._span.set_attributes(known)

    def tell(self, texts: Mapping[str, str]) -> None:
        """Add what people said as `interject.text.NAME`, if the manifest asks for it."""
        if self._recorder.content:
            kept = {name: text[:LONGEST_TEXT] for name, text in texts.items() if text}
            self.set({f"interject.text.{name}": text for name, text in kept.items()})

    def note(self, event: str) -> None:
        """Something happens at this time, unless the span has ended."""
        if not self._ended:
            self._span.add_event(event, timestamp=self._recorder.clock_ns())

    def first_chunk(self) -> None:
        """The first result of a stream is here; later calls have no effect."""
        if not self._chunk_seen:
            self._chunk_seen = True
            self.set({TIME_TO_FIRST_CHUNK: (self._recorder.clock_ns() - self._started_ns) / 1e9})

    def fail(self, error: Exception) -> None:
        """End with an error. Its class is told, its text may quote what people said."""
        if not self._ended:
            self.set({"error.type": type(error).__qualname__})
            self.end(failed=True)

    def end(self, at_ns: int | None = None, *, failed: bool = False) -> None:
        """End, now or at `at_ns`, and cut whatever is open below."""
        if self._ended:
            return
        self._ended = True
        self.cut_below()
        if self._above is not None:
            self._above._below.discard(self)
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end(self._recorder.clock_ns() if at_ns is None else at_ns)

    def cut_below(self) -> None:
        """Cut whatever is open below."""
        for below in tuple(self._below):
            below.cut()

    def cut(self) -> None:
        """End before its work was done, as a barge-in or the end of a call does to it."""
        if not self._ended:
            self.set({CUT: True})
            self.end()

    def open(self, name: str, attributes: Mapping[str, Value], ago_s: float = 0.0) -> "OpenSpan":
        """A span below this one that began `ago_s` seconds ago; below an ended one, nothing is
        recorded."""
        return self.open_at(name, attributes, self._recorder.clock_ns() - round(ago_s * 1e9))

    def open_at(self, name: str, attributes: Mapping[str, Value], started_ns: int) -> "OpenSpan":
        """As `open`, for a span that began at `started_ns`."""
        if self._ended:
            return OpenSpan(INVALID_SPAN, self._recorder, started_ns)
        parent = set_span_in_context(self._span, Context())
        span = self._recorder.tracer.start_span(name, parent, start_time=started_ns)
        below = OpenSpan(span, self._recorder, started_ns)
        below.set(attributes)
        below._above = self
        self._below.add(below)
        return below
