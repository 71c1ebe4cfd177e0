"""A span per reconcile, its ids on log records, and warnings that are not repeated."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import Logger
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span


class WarnOnce:
    """Warnings, one per topic and text.

    Args:
        logger: where to log.
        about: prefix of each message.
    """

    def __init__(self, logger: Logger, about: str) -> None:
        self._logger = logger
        self._about = about
        self._said: dict[str, str] = {}

    def warn(self, topic: str, text: str) -> None:
        """Log `text`, unless it is the latest warning about `topic`."""
        if self._said.get(topic) != text:
            self._said[topic] = text
            self._logger.warning("%s: %s", self._about, text)

    def clear(self, topic: str) -> bool:
        """`topic` is healthy again; returns whether there was a warning about it."""
        return self._said.pop(topic, None) is not None


_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FLUSH_MS: Final = 3000


class ReconcileTracing:
    """Spans of the operator.

    Args:
        environment: the standard OTEL_* variables; without an endpoint nothing is exported.
    """

    def __init__(self, version: str, environment: Mapping[str, str] = os.environ) -> None:
        resource = Resource.create(
            {"service.name": "interject-operator", "service.version": version}
        )
        self._provider = TracerProvider(resource=resource)
        if any(environment.get(name) for name in _ENDPOINTS):
            # Costs 10 MB, so it is imported only with a collector.
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("voiceagent_operator")

    @contextmanager
    def reconcile(self, key: tuple[str, str]) -> Iterator[Span]:
        """The span of one reconcile; an exception is recorded on it."""
        with self._tracer.start_as_current_span("reconcile") as span:
            span.set_attribute("k8s.namespace.name", key[0])
            span.set_attribute("interject.agent", key[1])
            assert isinstance(span, Span), "the SDK's own provider makes recording spans"
            yield span

    def close(self) -> None:
        """Export pending spans; blocks up to 3 s."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()


class ReconcileIds(logging.Filter):
    """Adds the trace and span id of the current reconcile to log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter.filter`."""
        context = get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = format_trace_id(context.trace_id)
            record.span_id = format_span_id(context.span_id)
        return True
