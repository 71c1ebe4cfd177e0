"""Tracing of a pod: on when there is somewhere to send traces, else off at no cost."""

import time
from collections.abc import Mapping

from opentelemetry.trace import NoOpTracerProvider, Tracer

from media_pod.agents.ports import CallInfo
from media_pod.telemetry.call_trace import CallTrace, ClockNs

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
    """

    def __init__(
        self, endpoint: str | None, agent: str = "", clock_ns: ClockNs = time.time_ns
    ) -> None:
        self._agent = agent
        self._clock_ns = clock_ns
        self._tracer: Tracer = NoOpTracerProvider().get_tracer("interject")
        self._export = None
        if endpoint is not None:
            from media_pod.telemetry.otlp import OtlpExport

            self._export = OtlpExport(endpoint)
            self._tracer = self._export.tracer

    def call(self, info: CallInfo) -> CallTrace:
        """The trace of a call that begins now."""
        return CallTrace(self._tracer, info, self._agent, self._clock_ns)

    def close(self, deadline_s: float) -> None:
        """Send what is left, for at most `deadline_s` seconds. Blocks; may be called again."""
        if self._export is not None:
            self._export.close(deadline_s)
            self._export = None
