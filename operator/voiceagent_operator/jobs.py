"""Commands that the chart's Jobs run for one VoiceAgent: `apply` and `ready`.

A chart that installs the CRD cannot contain a VoiceAgent, because Helm resolves all kinds before
it creates the first object. So the chart has a ConfigMap with the VoiceAgent and a Job that
applies it; the VoiceAgent is owned by the ConfigMap and deleted with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import click
import uvloop
import yaml

from media_pod.errors import InterjectError
from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import CONFIG_MAP, VOICE_AGENT, Json

KEY: Final = "agent.yaml"
"""Key in the ConfigMap."""
RETRY_EVERY_S: Final = 0.5
"""Pause before the next attempt. A new CRD is served within about a second."""


class NoAgentError(InterjectError):
    """A ConfigMap does not contain a VoiceAgent."""


class ForeignAgentError(InterjectError):
    """A VoiceAgent of that name exists, and is not the ConfigMap's."""


class AgentApi(Protocol):
    """As much of `ApiServer` as is needed here."""

    async def get(self, path: str) -> Json: ...

    async def apply(self, path: str, body: Json) -> Json: ...


async def apply_owned(
    api: AgentApi,
    namespace: str,
    config_map: str,
    *,
    tries: int,
    pause: Callable[[float], Awaitable[None]],
) -> str:
    """Apply the VoiceAgent in `config_map`; returns its name.

    Args:
        tries: attempts while the API server does not serve VoiceAgents.
        pause: waits so many seconds.

    Raises:
        NoAgentError: the ConfigMap contains none.
        ForeignAgentError: one of that name exists, which applying would take over.
        ApiError: the API server refuses, or does not serve VoiceAgents after all attempts.
    """
    owner = await api.get(CONFIG_MAP.path(namespace, config_map))
    agent = _owned(owner, namespace)
    name: str = agent["metadata"]["name"]
    await _check_owner(api, namespace, name, config_map)
    for left in reversed(range(tries)):
        try:
            await api.apply(VOICE_AGENT.path(namespace, name), agent)
            break
        except NotFoundError:
            if not left:
                raise
            await pause(RETRY_EVERY_S)
    return name


async def _check_owner(api: AgentApi, namespace: str, name: str, config_map: str) -> None:
    """Raises ForeignAgentError if the VoiceAgent exists and is not owned by the ConfigMap.

    By its name, because a reinstalled release has a new ConfigMap with another uid.
    """
    try:
        found = await api.get(VOICE_AGENT.path(namespace, name))
    except NotFoundError:
        return
    owners = found["metadata"].get("ownerReferences", [])
    if not any((each["kind"], each["name"]) == (CONFIG_MAP.kind, config_map) for each in owners):
        raise ForeignAgentError(
            f"VoiceAgent {namespace}/{name} exists and does not belong to ConfigMap {config_map}, "
            "with which it would be deleted; rename or delete it, or choose another name (chart: "
            "sample.name)"
        )


def _owned(owner: Json, namespace: str) -> Json:
    """The VoiceAgent in `owner`, with an owner reference to it."""
    metadata = owner["metadata"]
    source = f"ConfigMap {metadata['name']}, {KEY}"
    try:
        agent = yaml.safe_load(owner.get("data", {}).get(KEY, ""))
    except yaml.YAMLError as error:
        raise NoAgentError(f"{source}: invalid YAML ({error})") from error
    kind = agent.get("kind") if isinstance(agent, dict) else None
    if not isinstance(agent, dict) or kind != VOICE_AGENT.kind:
        raise NoAgentError(f"{source}: found kind {kind}; allowed: {VOICE_AGENT.kind}")
    if not agent.get("metadata", {}).get("name"):
        raise NoAgentError(f"{source}: found no metadata.name; a VoiceAgent needs one")
    reference = {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    agent["metadata"] |= {"namespace": namespace, "ownerReferences": [reference]}
    return agent


POLL_S: Final = 1.0
"""Pause before the next poll; a pod takes some seconds to become ready."""


class NotReadyError(InterjectError):
    """A VoiceAgent was not Ready in time."""


class ReadApi(Protocol):
    """As much of `ApiServer` as is needed here."""

    async def get(self, path: str) -> Json: ...


async def until_ready(
    api: ReadApi,
    namespace: str,
    name: str,
    *,
    polls: int,
    pause: Callable[[float], Awaitable[None]],
) -> None:
    """Returns once the VoiceAgent is Ready.

    Args:
        polls: number of polls, `POLL_S` apart.
        pause: waits so many seconds.

    Raises:
        NotReadyError: not Ready at the last poll; the message has the condition with the reason.
        ApiError: the API server refuses.
    """
    why = ""
    for left in reversed(range(polls)):
        why = await _lacking(api, VOICE_AGENT.path(namespace, name))
        if not why:
            return
        if left:
            await pause(POLL_S)
    raise NotReadyError(f"VoiceAgent {namespace}/{name}: not Ready after {polls} polls: {why}")


async def _lacking(api: ReadApi, path: str) -> str:
    """Why the VoiceAgent is not Ready; empty if it is Ready."""
    try:
        agent = await api.get(path)
    except NotFoundError:
        return "not found"
    conditions = {each["type"]: each for each in agent.get("status", {}).get("conditions", [])}
    if not conditions:
        return "no status yet; check that the operator runs and watches this namespace"
    if conditions["Ready"]["status"] == "True":
        return ""
    telling = "Degraded" if conditions["Degraded"]["status"] == "True" else "Ready"
    return f"{conditions[telling]['reason']}: {conditions[telling]['message']}"


T = TypeVar("T")

_kubeconfig = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="KUBECONFIG",
    help="Kubeconfig file. Default: the service account in a pod, else the user's kubeconfig.",
)
_namespace = click.option(
    "--namespace",
    default="default",
    envvar="INTERJECT_NAMESPACE",
    help="Namespace of the VoiceAgent.",
)


@click.command()
@click.argument("config_map")
@_kubeconfig
@_namespace
@click.option(
    "--within-seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    help="Deadline for the API server to serve VoiceAgents, whose CRD may be new.",
)
def apply(config_map: str, kubeconfig: Path | None, namespace: str, within_seconds: float) -> None:
    """Apply the VoiceAgent in agent.yaml of CONFIG_MAP, which then owns it."""
    tries = round(within_seconds / RETRY_EVERY_S)

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
    help="Deadline.",
)
def ready(name: str, kubeconfig: Path | None, namespace: str, within_seconds: float) -> None:
    """Wait until the VoiceAgent NAME is Ready; exit code 2 and the reason at the deadline."""
    polls = round(within_seconds / POLL_S)

    async def once(api: ApiServer) -> None:
        await until_ready(api, namespace, name, polls=polls, pause=asyncio.sleep)

    uvloop.run(_asking(kubeconfig, once))
    click.echo(f"VoiceAgent {name} is Ready")


async def _asking(kubeconfig: Path | None, question: Callable[[ApiServer], Awaitable[T]]) -> T:
    """The result of `question`, with a client that is closed afterwards."""
    api = ApiServer(await find_cluster(kubeconfig))
    try:
        return await question(api)
    finally:
        await api.aclose()
