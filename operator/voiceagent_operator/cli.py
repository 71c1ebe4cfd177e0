"""The command line: `interject-operator run | apply | ready`.

Every option of `run` has an environment variable, which a Deployment sets.
"""

import logging
import os
import socket
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

import click
import uvloop
from pydantic import TypeAdapter, ValidationError

from asterisk_config.number_plan import NumberPlan, parse_plans
from media_pod import logs
from media_pod.errors import InterjectError
from media_pod.manifest.types import HttpUrl
from media_pod.manifest.validation import SpecError
from voiceagent_operator.jobs import apply, ready
from voiceagent_operator.operate import operate
from voiceagent_operator.render.workload import USER_ID
from voiceagent_operator.settings import Settings, TlsFiles, TlsSecret
from voiceagent_operator.telemetry.logs_and_traces import ReconcileIds


def _env(name: str) -> str:
    return f"INTERJECT_{name}"


def _http_url(context: click.Context, option: click.Parameter, value: str) -> str:
    try:
        return TypeAdapter(HttpUrl).validate_python(value)
    except ValidationError:
        raise click.BadParameter(
            f"found {value!r}; give a URL that begins with http:// or https://"
        ) from None


def _number_plans(
    context: click.Context, option: click.Parameter, value: str
) -> Mapping[str, NumberPlan]:
    try:
        return parse_plans(value, "number plan")
    except SpecError as error:
        raise click.BadParameter(str(error)) from None


ASSIGNED: Final = "assigned"
"""Of --media-user-id: no user ID in the pod template."""


def _user_id(context: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == ASSIGNED:
        return None
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f"found {value!r}; allowed: a number above 0, or {ASSIGNED}")


def _labels(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    pairs = [value.partition("=") for value in values]
    for (key, separator, _), value in zip(pairs, values, strict=True):
        if not key or not separator:
            raise click.BadParameter(f"found {value!r}; give KEY=VALUE")
    return tuple((key, label) for key, _, label in pairs)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="interject")
def cli() -> None:
    """Interject's operator: runs media pods for VoiceAgents and publishes their extensions."""


cli.add_command(apply)
cli.add_command(ready)


@cli.command()
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="KUBECONFIG",
    help="Kubeconfig file. Default: the service account in a pod, else the user's kubeconfig.",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    envvar=_env("NAMESPACES"),
    help="Namespace to watch; may be repeated. Default: all namespaces, which needs a ClusterRole "
    "instead of a Role.",
)
@click.option(
    "--asterisk-namespace",
    "asterisk_namespaces",
    multiple=True,
    envvar=_env("ASTERISK_NAMESPACES"),
    help="Namespace whose pods may be an Asterisk: with the label interject.dev/asterisk they get "
    "the published extensions and may connect to media pods. May be repeated; has to be watched. "
    "Default: the Lease's namespace alone, because elsewhere anybody may give a pod this label.",
)
@click.option(
    "--media-image",
    required=True,
    envvar=_env("MEDIA_IMAGE"),
    help="Default image of media pods, for VoiceAgents without spec.image.",
)
@click.option(
    "--pull-policy",
    type=click.Choice(["Always", "IfNotPresent", "Never"]),
    default="IfNotPresent",
    envvar=_env("PULL_POLICY"),
    help="Pull policy of that image.",
)
@click.option(
    "--media-otlp-endpoint",
    default="",
    callback=_http_url,
    envvar=_env("MEDIA_OTLP_ENDPOINT"),
    help="Base URL of the OTLP/HTTP collector for traces of media pods, for VoiceAgents without "
    "spec.telemetry.otlpEndpoint. Default: no traces.",
)
@click.option(
    "--media-user-id",
    default=str(USER_ID),
    callback=_user_id,
    envvar=_env("MEDIA_USER_ID"),
    help="User ID, group ID and fsGroup of media pods. assigned: none, because the cluster assigns "
    "them, as OpenShift does.",
)
@click.option(
    "--agent-secret-prefix",
    default="",
    envvar=_env("AGENT_SECRET_PREFIX"),
    help="Restricts VoiceAgents: they can refer only to Secrets whose names begin with this, and "
    "spec.podTemplate can set only where pods run, and resources. Default: no restrictions.",
)
@click.option(
    "--pod-monitor-label",
    "pod_monitor_labels",
    multiple=True,
    callback=_labels,
    metavar="KEY=VALUE",
    envvar=_env("POD_MONITOR_LABELS"),
    help="Label of the PodMonitors of VoiceAgents, for the podMonitorSelector of Prometheus; may "
    "be repeated.",
)
@click.option(
    "--lease-namespace",
    default="default",
    envvar=_env("LEASE_NAMESPACE"),
    help="Namespace of the Lease for leader election.",
)
@click.option(
    "--lease-name",
    default="interject-operator",
    envvar=_env("LEASE_NAME"),
    help="Name of the Lease for leader election.",
)
@click.option(
    "--identity",
    default=lambda: os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}",
    show_default="pod name, else host name and process id",
    help="Identity of this replica in the Lease and in events; unique per process.",
)
@click.option(
    "--probe-port",
    type=click.IntRange(1, 65535),
    default=8080,
    envvar=_env("PROBE_PORT"),
    help="Port of /livez, /readyz and /metrics.",
)
@click.option(
    "--metrics-api-port",
    type=click.IntRange(1, 65535),
    default=8443,
    envvar=_env("METRICS_API_PORT"),
    help="Port of the custom metrics API (custom.metrics.k8s.io), if it has a certificate.",
)
@click.option(
    "--metrics-api-certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar=_env("METRICS_API_CERTIFICATE"),
    help="Serving certificate of the metrics API, renewed by another program such as cert-manager. "
    "Default: none. Without any certificate the metrics API is not served.",
)
@click.option(
    "--metrics-api-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar=_env("METRICS_API_KEY"),
    help="Private key of that certificate.",
)
@click.option(
    "--metrics-api-secret",
    envvar=_env("METRICS_API_SECRET"),
    help="Secret in the Lease's namespace with a serving certificate that the operator issues and "
    "renews itself. Replaces the two options above.",
)
@click.option(
    "--metrics-api-service",
    envvar=_env("METRICS_API_SERVICE"),
    help="Service in the Lease's namespace through which the API server reaches the metrics API.",
)
@click.option(
    "--resync-seconds",
    type=click.FloatRange(15, 86_400),
    default=300.0,
    envvar=_env("RESYNC_SECONDS"),
    help="Full resync interval: reconciles every VoiceAgent even if no event was received.",
)
@click.option(
    "--number-plans",
    default="",
    callback=_number_plans,
    envvar=_env("NUMBER_PLANS"),
    help="JSON object with a number plan for each Asterisk, by its name: the numbers that "
    "VoiceAgents may not claim, and further places to which they may transfer callers. The chart "
    "makes it from its values. Default: no reserved numbers.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log every request and every reconcile.")
def run(
    kubeconfig: Path | None,
    namespaces: tuple[str, ...],
    asterisk_namespaces: tuple[str, ...],
    media_image: str,
    pull_policy: str,
    media_otlp_endpoint: str,
    media_user_id: int | None,
    agent_secret_prefix: str,
    pod_monitor_labels: tuple[tuple[str, str], ...],
    lease_namespace: str,
    lease_name: str,
    identity: str,
    probe_port: int,
    metrics_api_port: int,
    metrics_api_certificate: Path | None,
    metrics_api_key: Path | None,
    metrics_api_secret: str | None,
    metrics_api_service: str | None,
    resync_seconds: float,
    number_plans: Mapping[str, NumberPlan],
    verbose: bool,
) -> None:
    """Run one replica of the operator."""
    logs.set_up(logging.DEBUG if verbose else logging.INFO, os.environ, ReconcileIds())
    logging.getLogger("kopf").setLevel(logging.INFO if verbose else logging.WARNING)
    settings = Settings(
        kubeconfig=kubeconfig,
        namespaces=namespaces,
        asterisk_namespaces=asterisk_namespaces or (lease_namespace,),
        media_image=media_image,
        pull_policy=pull_policy,
        media_otlp_endpoint=media_otlp_endpoint,
        log_format=logs.log_format(os.environ),
        lease_namespace=lease_namespace,
        lease_name=lease_name,
        identity=identity,
        probe_port=probe_port,
        metrics_api_port=metrics_api_port,
        metrics_api_tls=_tls(
            (metrics_api_certificate, metrics_api_key), (metrics_api_secret, metrics_api_service)
        ),
        media_user_id=media_user_id,
        agent_secret_prefix=agent_secret_prefix,
        pod_monitor_labels=pod_monitor_labels,
        resync_s=resync_seconds,
        number_plans=number_plans,
        version=version("interject"),
    )
    uvloop.run(operate(settings))


def _tls(
    files: tuple[Path | None, Path | None], names: tuple[str | None, str | None]
) -> TlsFiles | TlsSecret | None:
    """Source of the serving certificate, if there is one: files, or the operator's own Secret."""
    match files, names:
        case (None, None), (None, None):
            return None
        case (Path() as certificate, Path() as key), (None, None):
            return TlsFiles(certificate, key)
        case (None, None), (str(secret), str(service)):
            return TlsSecret(secret, service)
    raise click.UsageError(
        "the metrics API's certificate is either given by --metrics-api-certificate and "
        "--metrics-api-key, or kept in --metrics-api-secret for --metrics-api-service"
    )


def main() -> NoReturn:
    """Run the command line; errors that a user can fix end in one line and exit code 2."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except InterjectError as error:
        click.echo(f"interject-operator: {error}", err=True)
        sys.exit(2)
    sys.exit(0)
