"""Options of the operator; cli.py has an option and an environment variable for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asterisk_config.number_plan import NumberPlan


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A serving certificate and its key, renewed by another program."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class TlsSecret:
    """Secret and Service of a certificate that the operator issues, in the Lease's namespace."""

    secret: str
    service: str


@dataclass(frozen=True, slots=True)
class Settings:
    """See cli.py for meanings and defaults."""

    kubeconfig: Path | None
    namespaces: tuple[str, ...]
    """Empty for all."""
    asterisk_namespaces: tuple[str, ...]
    """Those whose pods may be an Asterisk."""
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
    media_user_id: int | None
    """Of media pods; None: the cluster assigns it."""
    agent_secret_prefix: str
    """Of the Secrets that agents may refer to; "" for no restrictions."""
    pod_monitor_labels: tuple[tuple[str, str], ...]
    """Key and value of each."""
    resync_s: float
    number_plans: Mapping[str, NumberPlan]
    """By the name of the Asterisk."""
    version: str
