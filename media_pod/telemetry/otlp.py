"""OpenTelemetry's SDK, set up for a pod. Imported only where traces are wanted."""

import logging
import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Tracer

from media_pod.telemetry.tail_sampling import TailSamplingProcessor

log = logging.getLogger(__name__)

QUEUE_SPANS = 2048
"""Ended spans that wait for export; when full the oldest are dropped, and the SDK logs it."""

BATCH_SPANS = 512
EXPORT_EVERY_MS = 5000
EXPORT_TIMEOUT_S = 5.0
"""For one batch with all its retries."""


class ChosenIds(RandomIdGenerator):
    """Random ids, but for the next span's if they are chosen. For one thread."""

    def __init__(self) -> None:
        self._trace_id: int | None = None
        self._span_id: int | None = None

    def choose(self, trace_id: int, span_id: int | None) -> None:
        """The next span is this one: of that trace if it has no parent, and `span_id` if given."""
        self._trace_id, self._span_id = trace_id, span_id

    def generate_span_id(self) -> int:
        """Asked once per span, after its trace."""
        chosen, self._span_id, self._trace_id = self._span_id, None, None
        return super().generate_span_id() if chosen is None else chosen

    def generate_trace_id(self) -> int:
        """Asked for a span without a parent."""
        return super().generate_trace_id() if self._trace_id is None else self._trace_id

    def is_trace_id_random(self) -> bool:
        """Version 4 UUIDs are, but for six bits; those of other versions are not."""
        return False


class OtlpExport:
    """A tracer whose spans go to `url` (with its path) from a thread of their own.

    Args:
        ratio: the share of calls that are exported in any case, 0..1.
    """

    def __init__(self, url: str, ratio: float) -> None:
        self._url = url
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_S)
        # The standard variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
        resource = Resource.create({"service.name": "interject"})
        ids = ChosenIds()
        self.choose = ids.choose
        """Sets the ids of the next span."""
        self._provider = TracerProvider(
            # Whether a call is exported is decided at its end.
            sampler=ALWAYS_ON,
            id_generator=ids,
            resource=resource.merge(OTELResourceDetector().detect()),
            shutdown_on_exit=False,  # without a deadline
        )
        batches = BatchSpanProcessor(
            self._exporter,
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=EXPORT_EVERY_MS,
            max_export_batch_size=BATCH_SPANS,
        )
        sampling = TailSamplingProcessor(batches, ratio)
        self.exported = sampling.exported
        """Whether the trace of an id is exported, as far as it is decided by now."""
        self._provider.add_span_processor(sampling)

    @property
    def tracer(self) -> Tracer:
        return self._provider.get_tracer("interject")

    def close(self, deadline_s: float) -> None:
        """Send what is queued, for at most `deadline_s` seconds; then drop it. Blocks."""
        # The SDK's own shutdown waits up to 30 s for a collector that does not answer.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(deadline_s)
        if closing.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
            log.warning("traces: %s took no spans for %s s; they are lost", self._url, deadline_s)
