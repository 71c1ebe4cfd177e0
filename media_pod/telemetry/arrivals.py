"""How calls come to a pod: questions of the dialplan, and how long until the audio is there.

Spans of a question are made once its outcome is known, so that none is left open when nobody comes.
A call that connects has them below its own; what does not lead to a connection here stands alone in
the call's trace:

    reservation   from the question to the answer; outcome taken, elsewhere or refused
    connect       from the answer to the connection, or to the end of the reservation
    call-end      the dialplan's last word, with its cause; the call is below it or over already
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import SpanContext

from media_pod.dialogues.ports import CallInfo
from media_pod.telemetry.call_trace import CAUSE, CONVERSATION, CallTrace
from media_pod.telemetry.spans import OpenSpan, Recorder, Value
from media_pod.telemetry.trace_context import context_of

REMEMBERED: Final = 256
"""Questions without an outcome, and calls that are over; of each the oldest is forgotten first."""


@dataclass(slots=True)
class Question:
    """One that the dialplan has asked, and the answer to it."""

    recorder: Recorder
    info: CallInfo
    name: str
    """`call-start` or `call-next`."""
    asked_ns: int
    answered_ns: int = 0

    def refused(self, why: str) -> None:
        """There is no place for the call here, nor with a peer."""
        self._stands_alone("refused", {"error.type": why}, failed=True)

    def elsewhere(self, address: str) -> None:
        """A peer takes it, or has it: the dialplan is told its audio's `address`."""
        self._stands_alone("elsewhere", {"interject.reservation.peer": address})

    def expired(self) -> None:
        """Its audio did not come in time."""
        self._stands_alone("taken", {}, at_ns=self.answered_ns)
        self._connect({"error.type": "timeout"}, failed=True)

    def given_up(self, cause: str) -> None:
        """The caller hung up, with that cause, before the audio came."""
        self._stands_alone("taken", {}, at_ns=self.answered_ns)
        self._connect({"interject.cut": True}, failed=False)
        self._span("call-end", {CAUSE: cause}, self.recorder.clock_ns()).end()

    def _stands_alone(
        self,
        outcome: str,
        attributes: Mapping[str, Value],
        at_ns: int | None = None,
        *,
        failed: bool = False,
    ) -> None:
        own = {"interject.question": self.name, "interject.reservation.outcome": outcome}
        span = self._span("reservation", {**own, **attributes}, self.asked_ns)
        span.end(at_ns, failed=failed)

    def _connect(self, attributes: Mapping[str, Value], *, failed: bool) -> None:
        self._span("connect", attributes, self.answered_ns).end(failed=failed)

    def _span(self, name: str, attributes: Mapping[str, Value], started_ns: int) -> OpenSpan:
        span = self.recorder.start(name, context_of(self.info), started_ns)
        opened = OpenSpan(span, self.recorder, started_ns)
        opened.set({CONVERSATION: self.info.uuid, **attributes})
        return opened


class Arrivals:
    """The calls of one pod, from the dialplan's first question to its last word."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: OrderedDict[str, Question] = OrderedDict()
        """Those that have a slot and no audio yet, by UUID."""
        self._live: dict[str, CallTrace] = {}
        self._past: OrderedDict[str, CallTrace] = OrderedDict()

    def ask(self, info: CallInfo, name: str) -> Question:
        """The dialplan asks, now."""
        return Question(self._recorder, info, name, self._recorder.clock_ns())

    def taken(self, question: Question) -> None:
        """The answer is a slot here: its audio may come."""
        question.answered_ns = self._recorder.clock_ns()
        self._waiting.pop(question.info.uuid, None)
        self._waiting[question.info.uuid] = question
        if len(self._waiting) > REMEMBERED:
            self._waiting.popitem(last=False)

    def connected(self, info: CallInfo) -> CallTrace:
        """Its audio is here. What the dialplan said last of the call's trace counts, not `info`."""
        question = self._waiting.pop(info.uuid, None)
        past = self._past.get(info.uuid)
        before = None if past is None else past.context
        if question is None:
            trace = CallTrace(self._recorder, info, before=before)
        else:
            trace = CallTrace(self._recorder, question.info, question.asked_ns, before)
            trace.arrived(question.asked_ns, question.answered_ns, question.name)
        self._live[info.uuid] = trace
        return trace

    def expired(self, uuid: str) -> None:
        """Its reservation is over."""
        if question := self._waiting.pop(uuid, None):
            question.expired()

    def ended(self, uuid: str) -> None:
        """Its connection is over; there may be another one, and there may be a last word."""
        if trace := self._live.pop(uuid, None):
            self._past.pop(uuid, None)
            self._past[uuid] = trace
            if len(self._past) > REMEMBERED:
                self._past.popitem(last=False)

    def hung_up(self, uuid: str, cause: str) -> None:
        """The dialplan says that the caller is gone; `cause` is its hang-up cause."""
        if question := self._waiting.pop(uuid, None):
            question.given_up(cause)
        elif trace := self._live.get(uuid) or self._past.pop(uuid, None):
            trace.hung_up(cause)

    def note(self, event: str) -> None:
        """Something happens to all calls that are here."""
        for trace in self._live.values():
            trace.note(event)

    def context(self, uuid: str) -> SpanContext | None:
        """The `call` span of a call that is here, or has been; None if nothing is traced."""
        trace = self._live.get(uuid) or self._past.get(uuid)
        return trace.context if trace is not None and trace.context.is_valid else None
