"""The command line: `interject-operator run | apply | ready`.

Every option of `run` has a variable, because in a cluster a Deployment says them.
"""

import logging
import os
import socket
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import click
import uvloop
from pydantic import TypeAdapter, ValidationError

from media_pod import logs
from media_pod.errors import InterjectError
from media_pod.manifest.types import HttpUrl
from voiceagent_operator.jobs import apply, ready
from voiceagent_operator.operate import operate
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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="interject")
def cli() -> None:
    """Interject's operator: VoiceAgents become media pods that can be called."""


cli.add_command(apply)
cli.add_command(ready)


@cli.command()
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="KUBECONFIG",
    help="How to reach the cluster. In a pod its service account, else the user's own file.",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    envvar=_env("NAMESPACES"),
    help="A namespace to watch; may be given several times. Default: all, which needs a "
    "ClusterRole; a namespace of its own needs a Role.",
)
@click.option(
    "--media-image",
    required=True,
    envvar=_env("MEDIA_IMAGE"),
    help="Image of the media pods, for agents that name none.",
)
@click.option(
    "--pull-policy",
    type=click.Choice(["Always", "IfNotPresent", "Never"]),
    default="IfNotPresent",
    envvar=_env("PULL_POLICY"),
    help="When nodes pull that image.",
)
@click.option(
    "--media-otlp-endpoint",
    default="",
    callback=_http_url,
    envvar=_env("MEDIA_OTLP_ENDPOINT"),
    help="Base URL of the OTLP/HTTP collector that media pods send traces to, for agents that name "
    "none. Default: none, and no traces.",
)
@click.option(
    "--lease-namespace",
    default="default",
    envvar=_env("LEASE_NAMESPACE"),
    help="Where the Lease is by which replicas agree on their leader.",
)
@click.option("--lease-name", default="interject-operator", envvar=_env("LEASE_NAME"))
@click.option(
    "--identity",
    default=lambda: os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}",
    show_default="the pod's name, else host and process",
    help="Name of this replica in the Lease and in events.",
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
    help="Port of custom.metrics.k8s.io, if a certificate is given.",
)
@click.option(
    "--metrics-api-certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar=_env("METRICS_API_CERTIFICATE"),
    help="Serving certificate of the metrics API, which others renew. Default: none; without a "
    "certificate of either kind there is no metrics API.",
)
@click.option(
    "--metrics-api-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar=_env("METRICS_API_KEY"),
    help="Its key.",
)
@click.option(
    "--metrics-api-secret",
    envvar=_env("METRICS_API_SECRET"),
    help="Instead: a Secret in the Lease's namespace where the operator keeps a serving "
    "certificate that it makes and renews by itself.",
)
@click.option(
    "--metrics-api-service",
    envvar=_env("METRICS_API_SERVICE"),
    help="The Service there by which the API server asks for the metrics API.",
)
@click.option(
    "--resync-seconds",
    type=click.FloatRange(15, 86_400),
    default=300.0,
    envvar=_env("RESYNC_SECONDS"),
    help="How often everything is looked at, whether or not it has changed.",
)
@click.option("--verbose", "-v", is_flag=True, help="Log every request and every look.")
def run(
    kubeconfig: Path | None,
    namespaces: tuple[str, ...],
    media_image: str,
    pull_policy: str,
    media_otlp_endpoint: str,
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
    verbose: bool,
) -> None:
    """Run one replica of the operator."""
    logs.set_up(logging.DEBUG if verbose else logging.INFO, os.environ, ReconcileIds())
    logging.getLogger("kopf").setLevel(logging.INFO if verbose else logging.WARNING)
    settings = Settings(
        kubeconfig=kubeconfig,
        namespaces=namespaces,
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
        resync_s=resync_seconds,
        version=version("interject"),
    )
    uvloop.run(operate(settings))


def _tls(
    files: tuple[Path | None, Path | None], names: tuple[str | None, str | None]
) -> TlsFiles | TlsSecret | None:
    """Whose certificate it is, if any: that of others in files, or the operator's own."""
    match files, names:
        case (None, None), (None, None):
            return None
        case (Path() as certificate, Path() as key), (None, None):
            return TlsFiles(certificate, key)
        case (None, None), (str(secret), str(service)):
            return TlsSecret(secret, service)
    raise click.UsageError(
        "the metrics API's certificate is either given by --metrics-api-certificate and "
        "--metrics-api-key, or kept by --metrics-api-secret and --metrics-api-service"
    )


def main() -> NoReturn:
    """Run the command line, and turn errors into words."""
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
