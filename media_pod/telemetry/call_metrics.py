"""Metrics of a pod's conversations: turns, stops and suspected false stops, providers."""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from media_pod.call.events import (
    DTMF,
    BargeIn,
    CallRef,
    Ducked,
    DuckOutcome,
    Event,
    FalseStopSuspected,
    ProviderAnswered,
    ProviderCancelled,
    ProviderFailed,
    ProviderFinished,
    ProviderRequested,
    Recognized,
)
from media_pod.duplex.contract import LOCKED, Reason
from media_pod.providers.chat import Usage
from media_pod.providers.requests import ProviderRequest

STOP_BUCKETS_S: Final = (*(0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.4, 0.5, 0.7, 1.0, 2.0),)
"""Two ticks a step around the promised fifth of a second."""

FIRST_CHUNK_BUCKETS_S: Final = (
    *(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
"""From an embedded voice to a provider's usual deadline; callers notice a second in all."""


MADE_OF: Final = ("speech", "keys", "silence")
"""What a caller's turn can consist of."""
ECHOES: Final = ("locked", "unsure", "unknown")
"""How well the delay of an echo is known."""
_BANK_REASONS: Final = tuple(
    reason.name.lower()
    for reason in (
        Reason.SPEECH_NO_ECHO,
        Reason.SPEECH_OVER_ECHO,
        Reason.LOUDER_THAN_ECHO,
        Reason.NO_ECHO_ON_LINE,
        Reason.NO_ECHO_FOUND,
        Reason.SPEECH_NO_LOCK,
    )
)
"""Those for a caller."""
TOKENS: Final = ("input", "output")
"""What a language model reads and writes."""
_PROVIDER: Final = ("kind", "provider")
"""stt, llm, tts or tool; the provider, of a tool its name."""


def echo_of(delay_ms: float, confidence: float) -> str:
    """What is known of a line's echo: locked, unsure (a delay that is doubted), unknown (none).

    Args:
        delay_ms: NaN before the first lock.
        confidence: of that delay, 0..1.
    """
    if math.isnan(delay_ms):
        return "unknown"
    return "locked" if confidence >= LOCKED else "unsure"


class CallMetrics:
    """The conversations' part of a pod's metrics.

    Counters begin at 0 with all of their labels, those of providers with the first request: a
    series that begins with its first event hides it, because rates need a value before.

    Args:
        registry: where they are collected.
        trace_id: the trace of a connection, 32 hexadecimal digits, which makes an observation an
            exemplar: a link from a bucket to a trace. "" if it is not traced.
    """

    def __init__(
        self, registry: CollectorRegistry, trace_id: Callable[[CallRef], str] = lambda call: ""
    ) -> None:
        self._trace_id = trace_id
        self._requested_ns: dict[ProviderRequest, int] = {}
        """Requests that have no result yet."""
        counter = partial(Counter, registry=registry)
        self._stop = Histogram(
            "interject_barge_in_stop_seconds",
            "From the caller's onset to the bot's last frame.",
            buckets=STOP_BUCKETS_S,
            registry=registry,
        )
        self._stops = counter(
            "interject_stops",
            "Interruptions of the bot, by why, and by what was known of the echo's delay.",
            ("reason", "echo"),
        )
        self._suspected = counter(
            "interject_suspected_false_stops",
            "Interruptions after which no word was recognized and the caller was silent, labelled "
            "as interject_stops_total.",
            ("reason", "echo"),
        )
        self._ducks = counter(
            "interject_ducks",
            "Times that the bot was ducked because the caller may have spoken, by what followed: "
            "stopped (a stop), faded (none).",
            ("outcome",),
        )
        self._turns = counter(
            "interject_turns",
            "Turns of callers that the dialogue was given, by what they were made of.",
            ("made_of",),
        )
        self._first_chunk = Histogram(
            "interject_provider_first_chunk_seconds",
            "From a request to a provider to its first result.",
            _PROVIDER,
            buckets=FIRST_CHUNK_BUCKETS_S,
            registry=registry,
        )
        self._requests = counter(
            "interject_provider_requests", "Requests to providers and tools.", _PROVIDER
        )
        self._errors = counter(
            "interject_provider_errors",
            "Requests to providers that failed, or were not answered in time.",
            _PROVIDER,
        )
        self._tokens = counter(
            "interject_llm_tokens",
            "Tokens of language models that finished replies used, by kind (input, output).",
            ("kind", "model"),
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        for outcome in get_args(DuckOutcome):
            self._ducks.labels(outcome)
        for made_of in MADE_OF:
            self._turns.labels(made_of)
        for echo in ECHOES:
            self._stops.labels(DTMF, echo)
            for reason in _BANK_REASONS:
                self._stops.labels(reason, echo)
                self._suspected.labels(reason, echo)

    def on_event(self, call: CallRef, event: Event) -> None:
        """Count what the event reports; unknown events are ignored."""
        match event:
            case BargeIn():
                self._stopped(call, event)
            case Ducked(outcome=outcome):
                self._ducks.labels(outcome).inc()
            case FalseStopSuspected(barge_in=barge_in):
                self._suspected.labels(barge_in.reason, _echo(barge_in)).inc()
            case Recognized():
                self._turns.labels(_made_of(event)).inc()
            case ProviderRequested():
                self._requested(event)
            case ProviderAnswered():
                self._answered(call, event)
            case ProviderFailed():
                self._errors.labels(event.request.kind, event.request.provider).inc()
            case ProviderFinished(request=request, usage=Usage() as usage):
                self._tokens.labels("input", request.model).inc(usage.input_tokens)
                self._tokens.labels("output", request.model).inc(usage.output_tokens)
        if isinstance(event, ProviderFinished | ProviderFailed | ProviderCancelled):
            self._requested_ns.pop(event.request, None)

    def _stopped(self, call: CallRef, event: BargeIn) -> None:
        self._stops.labels(event.reason, _echo(event)).inc()
        if event.onset_ago_s:
            self._stop.observe(event.onset_ago_s, self._exemplar(call))

    def _requested(self, event: ProviderRequested) -> None:
        request = event.request
        self._requests.labels(request.kind, request.provider).inc()
        self._errors.labels(request.kind, request.provider)
        if request.kind == "llm" and request.model:
            for kind in TOKENS:
                self._tokens.labels(kind, request.model)
        self._requested_ns[request] = event.at_ns

    def _answered(self, call: CallRef, event: ProviderAnswered) -> None:
        requested_ns = self._requested_ns.pop(event.request, None)
        if requested_ns is None:  # the bus dropped the event of its beginning
            return
        after_s = (event.at_ns - requested_ns) / 1e9
        histogram = self._first_chunk.labels(event.request.kind, event.request.provider)
        histogram.observe(after_s, self._exemplar(call))

    def _exemplar(self, call: CallRef) -> dict[str, str] | None:
        trace_id = self._trace_id(call)
        return {"trace_id": trace_id} if trace_id else None


def _echo(event: BargeIn) -> str:
    return echo_of(event.delay_ms, event.delay_confidence)


def _made_of(event: Recognized) -> str:
    return "speech" if event.text else "keys" if event.digits else "silence"
