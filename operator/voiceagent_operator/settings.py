"""What the operator is told when it starts; each has an option and a variable in cli.py."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A serving certificate and its key, which somebody else renews."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class TlsSecret:
    """Names of what the operator keeps its own certificate by, in the namespace of the Lease."""

    secret: str
    service: str


@dataclass(frozen=True, slots=True)
class Settings:
    """See cli.py for what each means, and why its default is what it is."""

    kubeconfig: Path | None
    namespaces: tuple[str, ...]
    """Empty for all."""
    media_image: str
    pull_policy: str
    media_otlp_endpoint: str
    """Empty for none."""
    log_format: str
    """Its own, and that of the media pods."""
    lease_namespace: str
    lease_name: str
    identity: str
    probe_port: int
    metrics_api_port: int
    metrics_api_tls: TlsFiles | TlsSecret | None
    """None for no custom metrics API."""
    resync_s: float
    version: str
