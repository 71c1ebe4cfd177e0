"""The trace of one connection of a call: `call` > `turn` > `stt`, `llm`, `tts`, tools, `bargein`.

Made from the call's events alone. What people say stays out unless the manifest asks for it. The
caller's number, which is personal data, always stays out.
"""

from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    format_trace_id,
    set_span_in_context,
)

from media_pod.call.events import (
    DTMF,
    BargeIn,
    CallRef,
    DrainStarted,
    Ducked,
    Ended,
    Event,
    HungUp,
    ProviderAnswered,
    ProviderCancelled,
    ProviderFailed,
    ProviderFinished,
    ProviderRequested,
    Recognized,
    Reserved,
    TurnStarted,
)
from media_pod.providers.requests import ProviderRequest
from media_pod.telemetry.spans import OpenSpan, SpanRecorder, Value
from media_pod.telemetry.trace_context import context_of

CALL: Final = "call"
"""Name of a connection's outermost span."""
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
TOOL: Final = "gen_ai.tool.name"
ARGUMENTS: Final = "gen_ai.tool.call.arguments"
RESULT: Final = "gen_ai.tool.call.result"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CONVERSATION: Final = "gen_ai.conversation.id"
CAUSE: Final = "interject.call.cause"
"""The dialplan's hang-up cause, a number of ITU-T Q.850: 16 is a normal end. "" if it has none."""
SUSPICIOUS: Final = "interject.bargein.suspicious"
"""The bot stopped, and nothing was recognized: it may have stopped for its own echo."""
ENDED_BADLY: Final = frozenset({"error", "pod"})
"""Ends by which a caller was cut off."""
EXECUTE_TOOL: Final = "execute_tool"
_OPERATIONS: Final = {"stt": "speech_to_text", "llm": "chat", "tts": "text_to_speech"}
_TEXT: Final = "interject.text."


class CallTrace:
    """The spans of one connection of a call; a subscriber of its events.

    Args:
        recorder: the pod's.
        ref: the call, and the id of its `call` span.
        connected_ns: when the connection came.
        reserved: the reservation that it used, if the dialplan made one.
        before: the `call` span of the connection before this one, if this pod had it; what the
            dialplan says of that goes first.
    """

    def __init__(
        self,
        recorder: SpanRecorder,
        ref: CallRef,
        connected_ns: int,
        reserved: Reserved | None = None,
        before: SpanContext | None = None,
    ) -> None:
        info = ref.info
        within = context_of(info)
        if info.leg is not None:
            before = within.leg(info.leg - 1) if info.leg else None
        started_ns = connected_ns if reserved is None else reserved.asked_ns
        span_id = ref.span_id or (None if info.leg is None else within.leg(info.leg).span_id)
        span = recorder.start(CALL, within, started_ns, span_id, before)
        self._recorder = recorder
        self._trace_id = within.trace_id
        self.context = span.get_span_context()
        """For links to this connection."""
        self._call = OpenSpan(span, recorder, started_ns)
        self._call.set(_attributes(recorder.agent, ref))
        if reserved is not None:
            self._arrived(reserved, connected_ns)
        self._turn: OpenSpan | None = None
        self._requests: dict[ProviderRequest, OpenSpan] = {}
        self._barge_in = False
        """The caller stopped the bot, and the words are not recognized yet."""

    @property
    def trace_id_hex(self) -> str:
        """32 hexadecimal digits; "" if the call is not traced, or not exported by now."""
        recorded = self.context.is_valid and self._recorder.exported(self._trace_id)
        return format_trace_id(self._trace_id) if recorded else ""

    def on_event(self, event: Event) -> None:
        """Open, change or end the spans that the event is about; unknown events are ignored."""
        match event:
            case TurnStarted():
                self._start_turn(event)
            case Recognized():
                self._recognized(event)
            case BargeIn():
                self._barged_in(event)
            case Ducked():
                self._ducked(event)
            case ProviderRequested():
                self._requested(event)
            case ProviderAnswered():
                if span := self._requests.get(event.request):
                    span.first_chunk(event.at_ns)
            case ProviderFinished() | ProviderCancelled() | ProviderFailed():
                self._request_ended(event)
            case DrainStarted():
                self._call.note("drain", event.at_ns)
            case HungUp():
                self._hung_up(event)
            case Ended():
                self._end(event)

    def _arrived(self, reserved: Reserved, connected_ns: int) -> None:
        attributes: dict[str, Value] = {
            "interject.question": reserved.question,
            "interject.reservation.outcome": "taken",
        }
        self._call.open("reservation", attributes, reserved.asked_ns).end(reserved.at_ns)
        self._call.open("connect", {}, reserved.at_ns).end(connected_ns)

    def _start_turn(self, event: TurnStarted) -> None:
        if self._turn is not None:
            self._turn.end(event.at_ns)
        attributes: dict[str, Value] = {"interject.turn.number": event.number}
        self._turn = self._call.open("turn", attributes, event.at_ns)

    def _recognized(self, event: Recognized) -> None:
        above = self._above()
        above.set_texts({f"{_TEXT}caller": event.text, f"{_TEXT}digits": event.digits})
        if self._barge_in and not event.text and not event.digits:
            above.set({SUSPICIOUS: True})
        self._barge_in = False

    def _barged_in(self, event: BargeIn) -> None:
        """A span from the onset to the silence; what the providers work at is cut."""
        if self._turn is not None:
            self._turn.cut_below(event.at_ns)
            self._turn.set({"interject.turn.interrupted": True})
        self._barge_in = event.reason != DTMF
        attributes: dict[str, Value] = {
            "interject.bargein.reason": event.reason,
            "interject.echo.delay_ms": event.delay_ms,
            "interject.echo.delay_confidence": event.delay_confidence,
            "interject.echo.erle_db": event.erle_db,
            "interject.playout.heard_ms": event.heard_ms,
            "interject.text.heard_characters": len(event.heard),
            "interject.text.unheard_characters": len(event.unheard),
        }
        if event.why:
            attributes["interject.bargein.why"] = _why(event)
        onset_ns = event.at_ns - round(event.onset_ago_s * 1e9)
        span = self._above().open("bargein", attributes, onset_ns)
        span.set_texts({f"{_TEXT}heard": event.heard, f"{_TEXT}unheard": event.unheard})
        span.end(event.at_ns)

    def _ducked(self, event: Ducked) -> None:
        attributes: dict[str, Value] = {
            "interject.duck.lasted_ms": event.lasted_ms,
            "interject.duck.outcome": event.outcome,
        }
        self._above().note("duck", event.at_ns - event.lasted_ms * 1_000_000, attributes)

    def _requested(self, event: ProviderRequested) -> None:
        request = event.request
        if request.kind == "tool":
            self._requests[request] = self._open_tool(request, event.at_ns)
            return
        attributes: dict[str, Value] = {
            OPERATION: _OPERATIONS[request.kind],
            PROVIDER: request.provider,
        }
        if request.model:
            attributes[MODEL] = request.model
        span = self._above().open(request.kind, attributes, event.at_ns)
        span.set_texts({f"{_TEXT}bot": request.text})
        self._requests[request] = span

    def _open_tool(self, request: ProviderRequest, at_ns: int) -> OpenSpan:
        """A span of the turn that goes on when the turn ends, as the tool does."""
        attributes: dict[str, Value] = {OPERATION: EXECUTE_TOOL, TOOL: request.provider}
        span = self._above().open(f"{EXECUTE_TOOL} {request.provider}", attributes, at_ns)
        span.set_texts({ARGUMENTS: request.text})
        self._call.adopt(span)
        return span

    def _request_ended(self, event: ProviderFinished | ProviderCancelled | ProviderFailed) -> None:
        # Without its beginning if the bus dropped that event.
        if (span := self._requests.pop(event.request, None)) is None:
            return
        match event:
            case ProviderFinished():
                if (usage := event.usage) is not None:
                    span.set({INPUT_TOKENS: usage.input_tokens, OUTPUT_TOKENS: usage.output_tokens})
                span.set_texts({RESULT: event.text})
                span.end(event.at_ns)
            case ProviderCancelled():
                span.cut(event.at_ns)
            case ProviderFailed():
                span.fail(event.error_type, event.at_ns)

    def _hung_up(self, event: HungUp) -> None:
        # Of its own, because the call span may have ended.
        parent = set_span_in_context(NonRecordingSpan(self.context), Context())
        span = self._recorder.tracer.start_span("call-end", parent, start_time=event.at_ns)
        span.set_attribute(CAUSE, event.cause)
        span.end(event.at_ns)

    def _end(self, event: Ended) -> None:
        self._call.set({"interject.call.ended": event.by})
        if event.goto:
            self._call.set({"interject.call.goto": event.goto})
        self._call.end(event.at_ns, failed=event.by in ENDED_BADLY)

    def _above(self) -> OpenSpan:
        turn = self._turn
        return self._call if turn is None or turn.ended else turn


def _why(event: BargeIn) -> str:
    return ", ".join(f"{features} {evidence:+.1f}" for features, evidence in event.why)


def _attributes(agent: str, ref: CallRef) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        OPERATION: "invoke_agent",
        "gen_ai.agent.name": agent,
        CONVERSATION: ref.info.uuid,
    }
    if ref.info.to_number:
        attributes["interject.call.to_number"] = ref.info.to_number
    if ref.info.leg is not None:
        attributes["interject.call.leg"] = ref.info.leg
    return attributes
