"""One request to a provider, told to the call's trace and to the pod's metrics alike."""

import asyncio
from typing import Final

from media_pod.telemetry.call_metrics import CallMetrics
from media_pod.telemetry.call_trace import CallTrace
from media_pod.telemetry.spans import OpenSpan

PROVIDER: Final = "built-in"
"""What traces and metrics call the provider of the embedded adapters."""


class Asked:
    """A request that is under way; made while the event loop runs, whose time it takes.

    Args:
        kind: stt, llm or tts.
        span: of the request.
        trace: of its call.
        metrics: of the pod.
    """

    def __init__(self, kind: str, span: OpenSpan, trace: CallTrace, metrics: CallMetrics) -> None:
        self._kind = kind
        self._span = span
        self._trace = trace
        self._metrics = metrics
        self._now = asyncio.get_running_loop().time
        self._began_s = self._now()
        self._answered = False
        metrics.asked(kind, PROVIDER)

    def first_chunk(self) -> None:
        """The first result is here; later calls have no effect."""
        self._span.first_chunk()
        if not self._answered:
            self._answered = True
            after_s = self._now() - self._began_s
            self._metrics.first_chunk(self._kind, PROVIDER, after_s, self._trace.trace_id_hex)

    def fail(self, error: Exception) -> None:
        """It raised, or its deadline is over."""
        self._span.fail(error)
        self._metrics.failed(self._kind, PROVIDER)

    def end(self) -> None:
        """All of it is here."""
        self._span.end()
