"""The trace of one leg of a call: `call` > `turn` > `stt`, `llm`, `tts`, `bargein`.

What people say stays out unless the manifest asks for it, and the caller's number always does:
personal data.
"""

import math
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    format_trace_id,
    set_span_in_context,
)

from media_pod.dialogues.ports import CallInfo, Interruption
from media_pod.telemetry.call_metrics import DTMF
from media_pod.telemetry.spans import OpenSpan, Recorder, Value
from media_pod.telemetry.trace_context import context_of

CALL: Final = "call"
"""Name of a leg's outermost span."""
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
CONVERSATION = "gen_ai.conversation.id"
CAUSE = "interject.call.cause"
"""What the dialplan gives: a number of Q.850, such as 16 for a normal end; "" if it has none."""
SUSPICIOUS = "interject.bargein.suspicious"
"""The bot stopped, and nothing that was said was recognized: it may have heard its own echo."""
ENDED_BADLY: Final = frozenset({"error", "pod"})
"""Ends of a leg by which a caller was cut off."""


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

    def note(self, event: str) -> None:
        """Something happens to the call as a whole."""
        self._call.note(event)

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
