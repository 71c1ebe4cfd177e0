"""What the conversations of a pod count: turns, stops and whether they were right, providers."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from media_pod.duplex.contract import Reason

STOP_BUCKETS_S: Final = (*(0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28, 0.32, 0.4, 0.5, 0.7, 1.0, 2.0),)
"""Two ticks a step around the promised fifth of a second."""

FIRST_CHUNK_BUCKETS_S: Final = (
    *(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
"""From an embedded voice to a provider's usual deadline; callers notice a second in all."""

LOCKED: Final = 0.5
"""The confidence from which on the bank takes an echo's delay for known."""


MADE_OF: Final = ("speech", "keys", "silence")
"""Of which a caller's turn can be."""
ECHOES: Final = ("locked", "unsure", "unknown")
"""What may be known of an echo."""
DTMF: Final = "dtmf"
"""The reason for a stop that is a key, which is nobody's mistake."""
_BANK_REASONS: Final = tuple(
    reason.name.lower()
    for reason in (
        Reason.SPEECH_NO_ECHO,
        Reason.SPEECH_OVER_ECHO,
        Reason.LOUDER_THAN_ECHO,
        Reason.NO_ECHO_ON_LINE,
    )
)
"""Those for a caller."""
_PROVIDER: Final = ("kind", "provider")


@dataclass(frozen=True, slots=True)
class Stop:
    """One interruption of the bot, as far as metrics tell interruptions apart."""

    reason: str
    """The bank's reason, or `DTMF`."""
    echo: str
    """Of `ECHOES`: what was known of the echo's delay; see `echo_of`."""


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

    A trace id makes the observation an exemplar, which links a bucket to a trace; "" if the call
    is not traced.

    Args:
        registry: where they are collected.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
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
            "Interruptions after which no word was recognized, labelled as interject_stops_total.",
            ("reason", "echo"),
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
        self._requests = counter("interject_provider_requests", "Requests to providers.", _PROVIDER)
        self._errors = counter(
            "interject_provider_errors",
            "Requests to providers that failed, or were not answered in time.",
            _PROVIDER,
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        for made_of in MADE_OF:
            self._turns.labels(made_of)
        for echo in ECHOES:
            self._stops.labels(DTMF, echo)
            for reason in _BANK_REASONS:
                self._stops.labels(reason, echo)
                self._suspected.labels(reason, echo)

    def stopped(self, stop: Stop, after_s: float, trace_id: str) -> None:
        """The bot was interrupted; `after_s` 0: there was no onset to measure from."""
        self._stops.labels(stop.reason, stop.echo).inc()
        if after_s:
            self._stop.observe(after_s, _exemplar(trace_id))

    def nothing_recognized(self, stop: Stop) -> None:
        """The interruption may have been a false one: the turn that it began has no word."""
        self._suspected.labels(stop.reason, stop.echo).inc()

    def turn(self, made_of: str) -> None:
        """The dialogue is given a turn; `made_of` is of `MADE_OF`."""
        self._turns.labels(made_of).inc()

    def asked(self, kind: str, provider: str) -> None:
        """A provider is asked; `kind` is stt, llm or tts."""
        self._requests.labels(kind, provider).inc()
        self._errors.labels(kind, provider)

    def first_chunk(self, kind: str, provider: str, after_s: float, trace_id: str) -> None:
        """A provider's first result is here."""
        self._first_chunk.labels(kind, provider).observe(after_s, _exemplar(trace_id))

    def failed(self, kind: str, provider: str) -> None:
        """A provider raised, or its deadline is over."""
        self._errors.labels(kind, provider).inc()


def _exemplar(trace_id: str) -> dict[str, str] | None:
    return {"trace_id": trace_id} if trace_id else None
