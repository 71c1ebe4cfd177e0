"""Which trace a call belongs to: W3C Trace Context, level 1, and what follows from a call's UUID.

A call moves between pods that do not talk to each other, and a pod that crashed reports nothing. So
everything that two pods have to agree on follows from the dialplan's questions:

    trace id          of the `traceparent`; without one, the call's UUID without its dashes
    parent            of the `traceparent`. The lower half of the trace id stands for a dialplan,
                      which makes no spans: what it would be the parent of has none
    a leg's span id   a hash of both and of the leg's number: the next leg's pod knows it as well

The lower half of a random UUID is never 0, and neither is the whole, which W3C asks for.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import SpanContext, TraceFlags, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from media_pod.call.events import CallRef
from media_pod.dialogues.ports import CallInfo

_LOWER_HALF: Final = (1 << 64) - 1
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_W3C: Final = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where the spans of a call belong."""

    trace_id: int
    """128 bits, not 0."""
    parent_id: int
    """64 bits, not 0: the span that the dialplan names."""

    @property
    def parent(self) -> SpanContext | None:
        """The span above the call's, None if no program makes it."""
        if self.parent_id == self.trace_id & _LOWER_HALF:
            return None
        return self.span(self.parent_id)

    def leg(self, number: int) -> SpanContext:
        """The `call` span of the leg `number`, in whichever pod it is."""
        text = f"{self.trace_id:032x}-{self.parent_id:016x}-{number}"
        digest = hashlib.sha256(text.encode()).digest()
        return self.span(int.from_bytes(digest[:8], "big") or 1)

    def span(self, span_id: int) -> SpanContext:
        """A span of this trace."""
        return SpanContext(self.trace_id, span_id, is_remote=True, trace_flags=_SAMPLED)


def parse(traceparent: str) -> TraceContext | None:
    """The context in a `traceparent`; None if it is not valid, and then a new trace begins."""
    found = get_current_span(_W3C.extract({"traceparent": traceparent})).get_span_context()
    return TraceContext(found.trace_id, found.span_id) if found.is_valid else None


def context_of(info: CallInfo) -> TraceContext:
    """The trace of a call, from its `traceparent` or else from its UUID.

    A UUID that makes no valid ids (not hexadecimal, or 0 in its lower half) counts as 1; only
    tests have one.
    """
    if info.traceparent and (context := parse(info.traceparent)) is not None:
        return context
    try:
        number = int(info.uuid.replace("-", ""), 16)
    except ValueError:
        number = 0
    number = number if number & _LOWER_HALF else 1
    return TraceContext(number, number & _LOWER_HALF)


def choose_span_id(info: CallInfo, random_bits: Callable[[int], int]) -> int:
    """The id of the `call` span of a connection that begins now.

    Args:
        info: the call; with a leg, every pod derives the same id from it.
        random_bits: gives a random number of so many bits, for calls without a leg.
    """
    if info.leg is not None:
        return context_of(info).leg(info.leg).span_id
    return random_bits(64) or 1


def span_context(ref: CallRef) -> SpanContext:
    """The `call` span of a connection."""
    return context_of(ref.info).span(ref.span_id)
