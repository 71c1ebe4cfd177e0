"""Tracing of a pod, made from the events of its calls: on when there is a collector, else off.

Spans of a reservation are made once its outcome is known, so that none is left open. Those of a
call that connects are below its `call` span; those of a reservation that leads to no connection
here stand alone in the call's trace:

    reservation   from the dialplan's question to the answer; outcome taken, elsewhere or refused
    connect       from the answer to the connection, or to the end of the reservation
    call-end      the dialplan's report that the call is over, with its cause
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeVar

from opentelemetry.trace import NoOpTracerProvider

from media_pod.call.events import (
    CallRef,
    Connected,
    Ended,
    Event,
    HungUp,
    ReservationExpired,
    ReservationRedirected,
    ReservationRefused,
    Reserved,
)
from media_pod.dialogues.ports import CallInfo
from media_pod.telemetry.call_trace import CAUSE, CONVERSATION, CallTrace
from media_pod.telemetry.spans import OpenSpan, SpanRecorder, Value
from media_pod.telemetry.trace_context import context_of

K = TypeVar("K")
T = TypeVar("T")

REMEMBERED: Final = 256
"""Reservations without an outcome, and calls that are over: of each the oldest is dropped."""
LIVE: Final = 4096
"""Connections; above all slots of a pod, it bounds those whose `Ended` the bus dropped."""

TRACES_PATH = "/v1/traces"


def traces_url(configured: str, environ: Mapping[str, str]) -> str | None:
    """URL that traces are sent to, with the path; None for no traces.

    `configured` is the manifest's spec.telemetry.otlpEndpoint, a base URL. It goes before
    OpenTelemetry's standard variables: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, taken as it is, and
    OTEL_EXPORTER_OTLP_ENDPOINT, a base URL. OTEL_SDK_DISABLED=true goes before all of them.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if not configured and (exact := environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()):
        return exact
    base = (configured or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")).strip().rstrip("/")
    if not base:
        return None
    return base if base.endswith(TRACES_PATH) else base + TRACES_PATH


class Tracing:
    """The traces of a pod's calls; a subscriber of their events.

    Args:
        endpoint: URL of an OTLP/HTTP collector's traces (see `traces_url`), None for no traces:
            the SDK is not even imported then.
        agent: name of the agent, for each call's span.
        sample_ratio: the share of calls that are traced in any case, 0..1.
        content: whether spans have what people say.
    """

    def __init__(
        self,
        endpoint: str | None,
        agent: str = "",
        *,
        sample_ratio: float = 1.0,
        content: bool = False,
    ) -> None:
        self._export = None
        if endpoint is None:
            tracer = NoOpTracerProvider().get_tracer("interject")
            self._recorder = SpanRecorder(tracer, agent, content, _choose_nothing, _never)
        else:
            from media_pod.telemetry.otlp import OtlpExport

            export = self._export = OtlpExport(endpoint, sample_ratio)
            self._recorder = SpanRecorder(
                export.tracer, agent, content, export.choose, export.exported
            )
        self._reserved: OrderedDict[str, tuple[CallInfo, Reserved]] = OrderedDict()
        """Reservations that wait for their audio, by UUID."""
        self._live: OrderedDict[CallRef, CallTrace] = OrderedDict()
        self._past: OrderedDict[str, CallTrace] = OrderedDict()
        """Connections that are over, the latest of each UUID."""

    @property
    def enabled(self) -> bool:
        """Traces are sent somewhere."""
        return self._export is not None

    def on_event(self, call: CallRef, event: Event) -> None:
        """Turn an event into spans."""
        info = call.info
        match event:
            case Reserved():
                self._reserved.pop(info.uuid, None)
                _remember(self._reserved, info.uuid, (info, event))
            case ReservationRedirected():
                attributes: dict[str, Value] = {"interject.reservation.peer": event.peer}
                self._reservation(info, event, "elsewhere", attributes)
            case ReservationRefused():
                self._reservation(info, event, "refused", {"error.type": event.reason})
            case ReservationExpired():
                self._expired(info, event)
            case Connected():
                self._connected(call, event)
            case HungUp():
                self._hung_up(info, event)
            case _:
                if trace := self._live.get(call):
                    trace.on_event(event)
        if isinstance(event, Ended) and (trace := self._live.pop(call, None)):
            self._past.pop(info.uuid, None)
            _remember(self._past, info.uuid, trace)

    def trace_id_hex(self, call: CallRef) -> str:
        """The trace of a connection, for exemplars; "" if it is not traced, or not exported."""
        trace = self._live.get(call)
        return "" if trace is None else trace.trace_id_hex

    def close(self, deadline_s: float) -> None:
        """Send what is left, for at most `deadline_s` seconds. Blocks; may be called again."""
        if self._export is not None:
            self._export.close(deadline_s)
            self._export = None

    def _connected(self, call: CallRef, event: Connected) -> None:
        info, reserved = self._reserved.pop(call.info.uuid, (call.info, None))
        past = self._past.get(info.uuid)
        trace = CallTrace(
            self._recorder,
            # What the dialplan said last of the call's trace counts.
            CallRef(info, call.span_id),
            event.at_ns,
            reserved,
            None if past is None else past.context,
        )
        _remember(self._live, call, trace, LIVE)

    def _expired(self, info: CallInfo, event: ReservationExpired) -> None:
        if waiting := self._reserved.pop(info.uuid, None):
            self._reservation(*waiting, "taken", {})
            failed: dict[str, Value] = {"error.type": "timeout"}
            connect = self._span(waiting[0], "connect", failed, waiting[1].at_ns)
            connect.end(event.at_ns, failed=True)

    def _hung_up(self, info: CallInfo, event: HungUp) -> None:
        if waiting := self._reserved.pop(info.uuid, None):
            self._reservation(*waiting, "taken", {})
            cut = self._span(waiting[0], "connect", {"interject.cut": True}, waiting[1].at_ns)
            cut.end(event.at_ns)
            end = self._span(waiting[0], "call-end", {CAUSE: event.cause}, event.at_ns)
            end.end(event.at_ns)
        elif trace := self._of(info.uuid):
            trace.on_event(event)

    def _of(self, uuid: str) -> CallTrace | None:
        live = (trace for call, trace in self._live.items() if call.info.uuid == uuid)
        return next(live, None) or self._past.pop(uuid, None)

    def _reservation(
        self,
        info: CallInfo,
        event: Reserved | ReservationRedirected | ReservationRefused,
        outcome: str,
        attributes: Mapping[str, Value],
    ) -> None:
        own: dict[str, Value] = {
            "interject.question": event.question,
            "interject.reservation.outcome": outcome,
        }
        span = self._span(info, "reservation", {**own, **attributes}, event.asked_ns)
        span.end(event.at_ns, failed=isinstance(event, ReservationRefused))

    def _span(
        self, info: CallInfo, name: str, attributes: Mapping[str, Value], started_ns: int
    ) -> OpenSpan:
        span = self._recorder.start(name, context_of(info), started_ns)
        opened = OpenSpan(span, self._recorder, started_ns)
        opened.set({CONVERSATION: info.uuid, **attributes})
        return opened


def _remember(kept: OrderedDict[K, T], key: K, value: T, most: int = REMEMBERED) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)


def _choose_nothing(trace_id: int, span_id: int | None) -> None:
    pass


def _never(trace_id: int) -> bool:
    return False
