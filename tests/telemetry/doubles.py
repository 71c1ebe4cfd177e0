"""A call that exists in its events alone, and the tracing that they go to."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from media_pod.call.events import (
    BargeIn,
    CallRef,
    Connected,
    ConversationEvent,
    Ended,
    Event,
    ProviderRequested,
    TurnStarted,
)
from media_pod.dialogues.ports import CallInfo
from media_pod.providers.requests import ProviderRequest, RequestKind

P = ParamSpec("P")

Subscriber = Callable[[CallRef, Event], None]
STEP_NS = 10_000_000


class Clock:
    """Each event is 10 ms after the one before."""

    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        self.now_ns += STEP_NS
        return self.now_ns


class EventfulCall:
    """Sends the events of one connection to a subscriber."""

    def __init__(self, subscriber: Subscriber, clock: Clock, info: CallInfo, span_id: int) -> None:
        self.ref = CallRef(info, span_id)
        self._subscriber = subscriber
        self.clock = clock
        self._turns = 0

    def connect(self) -> "EventfulCall":
        self._subscriber(self.ref, Connected(self.clock()))
        return self

    def send(
        self,
        make: Callable[Concatenate[int, int, P], ConversationEvent],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        self._subscriber(self.ref, make(self.clock(), 0, *args, **kwargs))

    def turn(self) -> None:
        self._turns += 1
        self.send(TurnStarted, self._turns)

    def request(
        self, kind: RequestKind, provider: str = "built-in", model: str = "", text: str = ""
    ) -> ProviderRequest:
        request = ProviderRequest(kind, provider, model, text)
        self.send(ProviderRequested, request)
        return request

    def barge_in(self, reason: str = "speech_over_echo", onset_ago_s: float = 0.16) -> None:
        said = ("Your parcel", "will come on Monday", 900)
        self.send(BargeIn, reason, onset_ago_s, 250.0, 0.75, 21.5, *said)

    def end(self, by: str, goto: str = "") -> None:
        self._subscriber(self.ref, Ended(self.clock(), by, goto))


def attributes(span: Span | Span.Event) -> dict[str, object]:
    return {
        item.key: getattr(item.value, str(item.value.WhichOneof("value")))
        for item in span.attributes
    }
