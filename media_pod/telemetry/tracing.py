"""Tracing of a pod: on when there is somewhere to send traces, else off at no cost."""

import time
from collections.abc import Mapping

from opentelemetry.trace import NoOpTracerProvider

from media_pod.dialogues.ports import CallInfo
from media_pod.telemetry.arrivals import Arrivals
from media_pod.telemetry.call_trace import CallTrace
from media_pod.telemetry.spans import ClockNs, Recorder

TRACES_PATH = "/v1/traces"


def traces_url(configured: str, environ: Mapping[str, str]) -> str | None:
    """Where traces go, with the path; None if nowhere.

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
    """The traces of a pod's calls.

    Args:
        endpoint: URL of an OTLP/HTTP collector's traces (see `traces_url`), None for no traces:
            the SDK is not even imported then.
        agent: name of the agent, for each call's span.
        sample_ratio: the share of calls that are traced whatever happens in them, 0..1.
        content: whether spans have what people say.
    """

    def __init__(
        self,
        endpoint: str | None,
        agent: str = "",
        clock_ns: ClockNs = time.time_ns,
        *,
        sample_ratio: float = 1.0,
        content: bool = False,
    ) -> None:
        self._export = None
        if endpoint is None:
            tracer = NoOpTracerProvider().get_tracer("interject")
            recorder = Recorder(tracer, agent, clock_ns, content, _choose_nothing, _never)
        else:
            from media_pod.telemetry.otlp import OtlpExport

            export = self._export = OtlpExport(endpoint, sample_ratio)
            recorder = Recorder(
                export.tracer, agent, clock_ns, content, export.choose, export.exported
            )
        self.arrivals = Arrivals(recorder)
        """How calls come and go."""

    def call(self, info: CallInfo) -> CallTrace:
        """The trace of a call whose audio is here from now on."""
        return self.arrivals.connected(info)

    def close(self, deadline_s: float) -> None:
        """Send what is left, for at most `deadline_s` seconds. Blocks; may be called again."""
        if self._export is not None:
            self._export.close(deadline_s)
            self._export = None


def _choose_nothing(trace_id: int, span_id: int | None) -> None:
    pass


def _never(trace_id: int) -> bool:
    return False
