"""The trace of one leg of a call: `call` > `turn` > `stt`, `llm`, `tts`, `bargein`.

Spans are opened and closed by hand, because a turn begins in one callback and ends in another.
Whatever closes takes with it what is still open below, marked as cut, so that a call that breaks
off leaves no span behind. What people say stays out unless the manifest asks for it, and the
caller's number always does: personal data.
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
    format_trace_id,
    set_span_in_context,
)

from media_pod.agents.ports import CallInfo, Interruption
from media_pod.telemetry.call_metrics import DTMF
from media_pod.telemetry.trace_context import TraceContext, context_of

CALL: Final = "call"
"""Name of a leg's outermost span."""
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
CONVERSATION = "gen_ai.conversation.id"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
CUT = "interject.cut"
CAUSE = "interject.call.cause"
"""What the dialplan gives: a number of Q.850, such as 16 for a normal end; "" if it has none."""
SUSPICIOUS = "interject.bargein.suspicious"
"""The bot stopped, and nothing that was said was recognized: it may have heard its own echo."""
ENDED_BADLY: Final = frozenset({"error", "pod"})
"""Ends of a leg by which a caller was cut off."""
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

    def note(self, event: str, attributes: Mapping[str, Value]) -> None:
        """Something happens at this time, unless the span has ended."""
        if not self._ended:
            self._span.add_event(event, dict(attributes), self._recorder.clock_ns())

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


class CallTrace:
    """The spans of one leg of a call. Each method may be called in any order and after `end`.

    Args:
        recorder: the pod's.
        info: the call.
        began_ns: when the dialplan asked for the leg; None for now.
        before: the leg before this one, if the call had one in this pod; what the dialplan says
            of it counts more.
    """

    def __init__(
        self,
        recorder: Recorder,
        info: CallInfo,
        began_ns: int | None = None,
        before: SpanContext | None = None,
    ) -> None:
        started_ns = recorder.clock_ns() if began_ns is None else began_ns
        within = context_of(info)
        span_id = None
        if info.leg is not None:
            span_id = within.leg(info.leg).span_id
            before = within.leg(info.leg - 1) if info.leg else None
        span = recorder.start(CALL, within, started_ns, span_id, before)
        self._recorder = recorder
        self._trace_id = within.trace_id
        self.context = span.get_span_context()
        """For links to this leg."""
        self._call = OpenSpan(span, recorder, started_ns)
        self._call.set(
            {
                OPERATION: "invoke_agent",
                "gen_ai.agent.name": recorder.agent,
                CONVERSATION: info.uuid,
            }
        )
        if info.to_number:
            self._call.set({"interject.call.to_number": info.to_number})
        if info.leg is not None:
            self._call.set({"interject.call.leg": info.leg})
        self._turn: OpenSpan | None = None
        self._turns = 0
        self._stopped = False
        """The caller stopped the bot, and what was said then is not recognized yet."""

    @property
    def trace_id_hex(self) -> str:
        """32 hexadecimal digits; "" if the call is not traced, or not exported by now."""
        recorded = self.context.is_valid and self._recorder.exported(self._trace_id)
        return format_trace_id(self._trace_id) if recorded else ""

    def arrived(self, asked_ns: int, answered_ns: int, question: str) -> None:
        """How the call came: asked for at `asked_ns`, by `question`; connected now."""
        attributes: dict[str, Value] = {"interject.question": question}
        reservation = self._call.open_at("reservation", attributes, asked_ns)
        reservation.set({"interject.reservation.outcome": "taken"})
        reservation.end(answered_ns)
        self._call.open_at("connect", {}, answered_ns).end()

    def note(self, event: str, attributes: Mapping[str, Value]) -> None:
        """Something happens to the call as a whole."""
        self._call.note(event, attributes)

    def turn(self) -> OpenSpan:
        """The next turn begins; the one before ends."""
        if self._turn is not None:
            self._turn.end()
        self._turns += 1
        self._turn = self._call.open("turn", {"interject.turn.number": self._turns})
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
        self,
        reason: str,
        delay_ms: float,
        erle_db: float,
        onset_ago_s: float = 0.0,
        delay_confidence: float = math.nan,
    ) -> OpenSpan:
        """The caller stops the bot, and what the providers are at is cut; the span begins at the
        onset. Set `heard` on it when the bot is silent, and end it."""
        if self._turn is not None:
            self._turn.cut_below()
            self._turn.set({"interject.turn.interrupted": True})
        self._stopped = reason != DTMF
        attributes: dict[str, Value] = {
            "interject.bargein.reason": reason,
            "interject.echo.delay_ms": delay_ms,
            "interject.echo.delay_confidence": delay_confidence,
            "interject.echo.erle_db": erle_db,
        }
        return self._above().open("bargein", attributes, onset_ago_s)

    def recognized(self, text: str, digits: str) -> None:
        """The caller's turn is over; `text` and `digits` are what came of it."""
        above = self._above()
        above.tell({"caller": text, "digits": digits})
        if self._stopped and not text and not digits:
            above.set({SUSPICIOUS: True})
        self._stopped = False

    def hung_up(self, cause: str) -> None:
        """The dialplan's last word on the call, which may come after `end`."""
        at_ns = self._recorder.clock_ns()
        parent = set_span_in_context(NonRecordingSpan(self.context), Context())
        span = self._recorder.tracer.start_span("call-end", parent, start_time=at_ns)
        span.set_attribute(CAUSE, cause)
        span.end(at_ns)

    def end(self, ended: str, goto: str = "") -> None:
        """The leg is over.

        Args:
            ended: the word for it that the metrics use too.
            goto: where in the dialplan the bot sends the caller, "" for nowhere.
        """
        self._call.set({"interject.call.ended": ended})
        if goto:
            self._call.set({"interject.call.goto": goto})
        self._call.end(failed=ended in ENDED_BADLY)

    def _provider(self, name: str, operation: str, provider: str, model: str) -> OpenSpan:
        attributes: dict[str, Value] = {OPERATION: operation, PROVIDER: provider}
        if model:
            attributes[MODEL] = model
        return self._above().open(name, attributes)

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
