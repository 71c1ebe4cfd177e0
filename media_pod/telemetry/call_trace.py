"""The trace of one call: `call` > `turn` > `stt`, `llm`, `tts`, `bargein`.

Spans are opened and closed by hand, because a turn begins in one callback and ends in another.
Whatever closes takes with it what is still open below, marked as cut, so that a call that breaks
off leaves no span behind. What people say, and the caller's number, stay out: personal data.
"""

import math
from collections.abc import Callable, Mapping

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    Status,
    StatusCode,
    Tracer,
    format_trace_id,
    set_span_in_context,
)

from media_pod.agents.ports import CallInfo, Interruption

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
CUT = "interject.cut"

Value = str | int | float | bool
ClockNs = Callable[[], int]
"""Nanoseconds since 1970."""


class OpenSpan:
    """A span that ends once, however often it is told to."""

    def __init__(self, span: Span, clock_ns: ClockNs, started_ns: int) -> None:
        self._span = span
        self._clock_ns = clock_ns
        self._started_ns = started_ns
        self._below: set[OpenSpan] = set()
        self._above: OpenSpan | None = None
        self._chunk_seen = False
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def trace_id_hex(self) -> str:
        """Of the trace that it is part of; "" if that is not recorded."""
        context = self._span.get_span_context()
        sampled = context.is_valid and context.trace_flags.sampled
        return format_trace_id(context.trace_id) if sampled else ""

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

    def first_chunk(self) -> None:
        """The first result of a stream is here; later calls have no effect."""
        if not self._chunk_seen:
            self._chunk_seen = True
            self.set({TIME_TO_FIRST_CHUNK: (self._clock_ns() - self._started_ns) / 1e9})

    def fail(self, error: Exception) -> None:
        """End with an error. Its class is told, its text may quote what people said."""
        if not self._ended:
            self.set({"error.type": type(error).__qualname__})
            self._span.set_status(Status(StatusCode.ERROR))
            self.end()

    def end(self) -> None:
        """End, and cut whatever is open below."""
        if self._ended:
            return
        self._ended = True
        for below in tuple(self._below):
            below.cut()
        if self._above is not None:
            self._above._below.discard(self)
        self._span.end(self._clock_ns())

    def cut(self) -> None:
        """End before its work was done, as a barge-in or the end of a call does to it."""
        if not self._ended:
            self.set({CUT: True})
            self.end()

    def open(
        self, tracer: Tracer, name: str, attributes: Mapping[str, Value], ago_s: float = 0.0
    ) -> "OpenSpan":
        """A span below this one that began `ago_s` seconds ago; below an ended one, nothing is
        recorded."""
        started_ns = self._clock_ns() - round(ago_s * 1e9)
        if self._ended:
            return OpenSpan(INVALID_SPAN, self._clock_ns, started_ns)
        parent = set_span_in_context(self._span, Context())
        span = tracer.start_span(name, parent, start_time=started_ns)
        below = OpenSpan(span, self._clock_ns, started_ns)
        below.set(attributes)
        below._above = self
        self._below.add(below)
        return below


class CallTrace:
    """One call's spans. Each method may be called in any order and after `end`."""

    def __init__(self, tracer: Tracer, info: CallInfo, agent: str, clock_ns: ClockNs) -> None:
        self._tracer = tracer
        started_ns = clock_ns()
        span = tracer.start_span("call", Context(), start_time=started_ns)
        self._call = OpenSpan(span, clock_ns, started_ns)
        self._call.set(
            {
                OPERATION: "invoke_agent",
                "gen_ai.agent.name": agent,
                "gen_ai.conversation.id": info.uuid,
            }
        )
        if info.to_number:
            self._call.set({"interject.call.to_number": info.to_number})
        self._turn: OpenSpan | None = None
        self._turns = 0

    @property
    def trace_id_hex(self) -> str:
        """32 hexadecimal digits; "" if the call is not traced."""
        return self._call.trace_id_hex

    def turn(self) -> OpenSpan:
        """The next turn begins; the one before ends."""
        if self._turn is not None:
            self._turn.end()
        self._turns += 1
        self._turn = self._call.open(self._tracer, "turn", {"interject.turn.number": self._turns})
        return self._turn

    def stt(self, provider: str, model: str = "") -> OpenSpan:
        """An utterance is being recognized."""
        return self._provider("stt", "speech_to_text", provider, model)

    def llm(self, provider: str, model: str = "") -> OpenSpan:
        """The dialogue is producing its turn."""
        return self._provider("llm", "chat", provider, model)

    def tts(self, provider: str, model: str = "") -> OpenSpan:
        """A stretch of speech is being made."""
        return self._provider("tts", "text_to_speech", provider, model)

    def bargein(
        self, reason: str, delay_ms: float, erle_db: float, onset_ago_s: float = 0.0
    ) -> OpenSpan:
        """The caller stops the bot; the span begins at the onset. Set `heard` on it when
        the bot is silent, and end it."""
        if self._turn is not None:
            self._turn.set({"interject.turn.interrupted": True})
        attributes: dict[str, Value] = {
            "interject.bargein.reason": reason,
            "interject.echo.delay_ms": delay_ms,
            "interject.echo.erle_db": erle_db,
        }
        return self._above().open(self._tracer, "bargein", attributes, onset_ago_s)

    def end(self, ended: str) -> None:
        """The call is over; `ended` is the word for it that the metrics use too."""
        if not self._call.ended:
            self._call.set({"interject.call.ended": ended})
            self._call.end()

    def _provider(self, name: str, operation: str, provider: str, model: str) -> OpenSpan:
        attributes: dict[str, Value] = {OPERATION: operation, PROVIDER: provider}
        if model:
            attributes[MODEL] = model
        return self._above().open(self._tracer, name, attributes)

    def _above(self) -> OpenSpan:
        turn = self._turn
        return self._call if turn is None or turn.ended else turn


def heard(cut: Interruption) -> dict[str, Value]:
    """What an interruption left unsaid, as attributes of its `bargein` span: lengths, no text."""
    return {
        "interject.playout.heard_ms": cut.heard_ms,
        "interject.text.heard_characters": len(cut.heard),
        "interject.text.unheard_characters": len(cut.unheard),
    }
