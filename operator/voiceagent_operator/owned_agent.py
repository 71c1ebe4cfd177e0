"""A VoiceAgent that a ConfigMap holds and owns: applied once, and gone when the ConfigMap goes.

A chart cannot have a VoiceAgent among its objects while it brings the resource itself, because
the kinds of all objects have to be known before the first is made. So it has a ConfigMap, and a Job
that applies what is in it.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import yaml

from media_pod.errors import InterjectError
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import CONFIG_MAP, VOICE_AGENT, Json

KEY: Final = "agent.yaml"
"""Where the ConfigMap has it."""
AGAIN_S: Final = 0.5
"""Pause before the next try. A new resource is served within a second or so."""


class NoAgentError(InterjectError):
    """A ConfigMap does not hold a VoiceAgent."""


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
    """Apply the VoiceAgent in `config_map`; its name.

    Args:
        tries: how often to ask, as long as the resource VoiceAgent is not served.
        pause: waits so many seconds.

    Raises:
        NoAgentError: the ConfigMap holds none.
        ApiError: the API server refuses, or does not know the resource after all tries.
    """
    owner = await api.get(CONFIG_MAP.path(namespace, config_map))
    agent = _owned(owner, namespace)
    name: str = agent["metadata"]["name"]
    for left in reversed(range(tries)):
        try:
            await api.apply(VOICE_AGENT.path(namespace, name), agent)
            break
        except NotFoundError:
            if not left:
                raise
            await pause(AGAIN_S)
    return name


def _owned(owner: Json, namespace: str) -> Json:
    """The VoiceAgent that `owner` holds, with a reference to it."""
    metadata = owner["metadata"]
    source = f"ConfigMap {metadata['name']}, {KEY}"
    try:
        agent = yaml.safe_load(owner.get("data", {}).get(KEY, ""))
    except yaml.YAMLError as error:
        raise NoAgentError(f"{source}: this is no YAML ({error})") from error
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
