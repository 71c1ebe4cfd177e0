"""Spans that are opened and ended by events: a turn begins with one event and ends with another.

A span that ends cuts what is still open below it, so that a call that breaks off leaves no span
open. All times are those of the events, in nanoseconds since 1970.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
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


@dataclass(frozen=True, slots=True)
class SpanRecorder:
    """What all spans of a pod are made with."""

    tracer: Tracer
    agent: str
    """Name of the agent."""
    content: bool
    """Whether texts are recorded."""
    choose: Callable[[int, int | None], None]
    """Receives the trace id, and the span id if it matters, of the span that is started next."""
    exported: Callable[[int], bool]
    """Whether the trace of that id is exported, as far as it is decided by now."""

    def start(
        self,
        name: str,
        within: TraceContext,
        started_ns: int,
        span_id: int | None = None,
        before: SpanContext | None = None,
    ) -> Span:
        """A root span of this pod.

        Args:
            within: the trace, and the parent there.
            span_id: the span's own; None for a random one.
            before: the span of the leg before this one, which is linked.
        """
        context = Context()
        if (parent := within.parent) is not None:
            context = set_span_in_context(NonRecordingSpan(parent), context)
        links = [] if before is None else [Link(before, {"interject.link": "leg before"})]
        self.choose(within.trace_id, span_id)
        return self.tracer.start_span(name, context, links=links, start_time=started_ns)


class OpenSpan:
    """A span that ends once; a later end has no effect."""

    def __init__(self, span: Span, recorder: SpanRecorder, started_ns: int) -> None:
        self._span = span
        self._recorder = recorder
        self._started_ns = started_ns
        self._below: set[OpenSpan] = set()
        self._above: OpenSpan | None = None
        self.ended = False

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes, unless the span has ended. NaN and infinity mean unknown: left out."""
        if self.ended:
            return
        known = {
            name: value
            for name, value in attributes.items()
            if not isinstance(value, float) or math.isfinite(value)
        }
        self._span.set_attributes(known)

    def set_texts(self, texts: Mapping[str, str]) -> None:
        """Add attributes with what people said, if the manifest asks for it."""
        if self._recorder.content:
            self.set({name: text[:LONGEST_TEXT] for name, text in texts.items() if text})

    def note(
        self, event: str, at_ns: int, attributes: Mapping[str, Value] = MappingProxyType({})
    ) -> None:
        """Add an event to the span, unless it has ended."""
        if not self.ended:
            self._span.add_event(event, attributes, timestamp=at_ns)

    def first_chunk(self, at_ns: int) -> None:
        """The first result of a stream is here."""
        self.set({TIME_TO_FIRST_CHUNK: (at_ns - self._started_ns) / 1e9})

    def fail(self, error_type: str, at_ns: int) -> None:
        """End with an error of this type, a word of a fixed set or a class."""
        self.set({"error.type": error_type})
        self.end(at_ns, failed=True)

    def end(self, at_ns: int, *, failed: bool = False) -> None:
        """End, and cut what is open below."""
        if self.ended:
            return
        self.ended = True
        self.cut_below(at_ns)
        if self._above is not None:
            self._above._below.discard(self)
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end(at_ns)

    def cut_below(self, at_ns: int) -> None:
        """Cut what is open below."""
        for below in tuple(self._below):
            below.cut(at_ns)

    def cut(self, at_ns: int) -> None:
        """End before the work was done, as a barge-in or the end of a call does."""
        if not self.ended:
            self.set({CUT: True})
            self.end(at_ns)

    def open(self, name: str, attributes: Mapping[str, Value], at_ns: int) -> "OpenSpan":
        """A span below this one that began at `at_ns`; below an ended one nothing is recorded."""
        if self.ended:
            return OpenSpan(INVALID_SPAN, self._recorder, at_ns)
        parent = set_span_in_context(self._span, Context())
        span = self._recorder.tracer.start_span(name, parent, start_time=at_ns)
        below = OpenSpan(span, self._recorder, at_ns)
        below.set(attributes)
        below._above = self
        self._below.add(below)
        return below

    def adopt(self, below: "OpenSpan") -> None:
        """Cut `below` when this span ends, and not when the one above it does."""
        if below._above is not None:
            below._above._below.discard(below)
            below._above = self
            self._below.add(below)
