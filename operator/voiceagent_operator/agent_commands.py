"""Commands for one VoiceAgent, which the chart's Jobs run: `apply` and `ready`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
import uvloop

from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.owned_agent import AGAIN_S, apply_owned
from voiceagent_operator.until_ready import LOOK_S, until_ready

T = TypeVar("T")

_kubeconfig = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="KUBECONFIG",
    help="How to reach the cluster. In a pod its service account, else the user's own file.",
)
_namespace = click.option(
    "--namespace", default="default", envvar="INTERJECT_NAMESPACE", help="Of the VoiceAgent."
)


@click.command()
@click.argument("config_map")
@_kubeconfig
@_namespace
@click.option(
    "--within-seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    help="How long the cluster may take to serve VoiceAgents.",
)
def apply(config_map: str, kubeconfig: Path | None, namespace: str, within_seconds: float) -> None:
    """Apply the VoiceAgent that CONFIG_MAP holds as agent.yaml; it goes with CONFIG_MAP."""
    tries = round(within_seconds / AGAIN_S)

    async def once(api: ApiServer) -> str:
        return await apply_owned(api, namespace, config_map, tries=tries, pause=asyncio.sleep)

    name = uvloop.run(_asking(kubeconfig, once))
    click.echo(f"VoiceAgent {name} is applied")


@click.command()
@click.argument("name")
@_kubeconfig
@_namespace
@click.option(
    "--within-seconds",
    type=click.FloatRange(1, 3600),
    default=240.0,
    help="How long it may take.",
)
def ready(name: str, kubeconfig: Path | None, namespace: str, within_seconds: float) -> None:
    """Wait until the VoiceAgent NAME is Ready; exit code 2 and the reason if it is not in time."""
    looks = round(within_seconds / LOOK_S)

    async def once(api: ApiServer) -> None:
        await until_ready(api, namespace, name, looks=looks, pause=asyncio.sleep)

    uvloop.run(_asking(kubeconfig, once))
    click.echo(f"VoiceAgent {name} is Ready")


async def _asking(kubeconfig: Path | None, question: Callable[[ApiServer], Awaitable[T]]) -> T:
    """The answer to `question`, asked of the cluster's API server."""
    api = ApiServer(await find_cluster(kubeconfig))
    try:
        return await question(api)
    finally:
        await api.aclose()
