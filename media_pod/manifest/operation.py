"""How a pod runs: its capacity, deadlines, drain and telemetry."""

from typing import Final

from pydantic import Field

from media_pod.manifest.types import HttpUrl
from media_pod.manifest.validation import StrictModel


class CapacitySettings(StrictModel):
    """How many concurrent calls one pod takes."""

    calls: int = Field(
        default=100,
        ge=1,
        le=1000,
        description="Maximum concurrent calls of one pod. Default 100: about what one core "
        "carries when all callers talk; `interject bench tick` measures your machine.",
    )
    reservation_seconds: int = Field(
        default=10,
        ge=1,
        le=120,
        description="How long a slot stays reserved for a call that has not connected its audio "
        "yet, in seconds. Default 10: Asterisk connects within one second and gives up after two.",
    )


class DeadlinesSettings(StrictModel):
    """Timeouts for peers and providers."""

    uuid_ms: int = Field(
        default=2000,
        ge=100,
        le=30_000,
        description="Timeout for the call's UUID after a connection opens, in ms. Default 2000: "
        "Asterisk sends it in its first packet.",
    )
    stall_ms: int = Field(
        default=5000,
        ge=500,
        le=60_000,
        description="How long a peer may read no audio, or leave a frame incomplete, before the "
        "connection is closed, in ms. Default 5000: longer than a network hiccup; Asterisk itself "
        "gives up after 2 s.",
    )
    provider_seconds: float = Field(
        default=8.0,
        ge=0.5,
        le=60.0,
        description="Timeout for each result of a speech or dialogue provider, in seconds. "
        "Default 8: callers hang up after a longer silence.",
    )
    goodbye_ms: int = Field(
        default=1000,
        ge=50,
        le=10_000,
        description="How long to wait for Asterisk to close the connection after a hang-up frame, "
        "in ms. Default 1000: Asterisk closes it within a few milliseconds.",
    )


AFTER_DRAIN_S: Final = 30
"""From the end of a drain to SIGKILL in a cluster: goodbyes (10 s), Asterisk's last questions,
traces (3 s)."""


class DrainSettings(StrictModel):
    """How a pod shuts down."""

    timeout_seconds: int = Field(
        default=900,
        ge=0,
        le=86_400,
        description="How long active calls may continue while the pod drains, in seconds. Default "
        "900: nearly every call to an agent ends within 15 minutes.",
    )


class TelemetrySettings(StrictModel):
    """OpenTelemetry traces: where they go and what they contain."""

    otlp_endpoint: HttpUrl = Field(
        default="",
        description="Base URL of an OTLP/HTTP collector, such as http://collector:4318; "
        "/v1/traces is appended. Default empty: the standard OTEL_EXPORTER_OTLP_* environment "
        "variables apply, and tracing is off without them.",
    )
    sample_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Fraction of calls that are traced, from 0 to 1. Calls with an error, or with "
        "a barge-in that recognized nothing, are always traced. Default 1: a trace is about 10 kB, "
        "and any call can be investigated afterwards.",
    )
    content: bool = Field(
        default=False,
        description="Include the text of caller and bot turns in traces, up to 1000 characters "
        "each. Default false: it is personal data, readable by everyone with access to traces.",
    )
