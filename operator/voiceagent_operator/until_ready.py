"""Waiting for a VoiceAgent to be Ready, and its own words for why it is not."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from media_pod.errors import InterjectError
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json

LOOK_S: Final = 1.0
"""Pause before the next look; a pod takes some seconds to be ready."""


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
    looks: int,
    pause: Callable[[float], Awaitable[None]],
) -> None:
    """Returns once the VoiceAgent is Ready.

    Args:
        looks: how often to look, `LOOK_S` apart.
        pause: waits so many seconds.

    Raises:
        NotReadyError: it was not at the last look; the message has the condition that says why.
        ApiError: the API server refuses.
    """
    why = ""
    for left in reversed(range(looks)):
        why = await _lacking(api, VOICE_AGENT.path(namespace, name))
        if not why:
            return
        if left:
            await pause(LOOK_S)
    raise NotReadyError(f"VoiceAgent {namespace}/{name}: not Ready after {looks} looks: {why}")


async def _lacking(api: ReadApi, path: str) -> str:
    """Why it is not Ready; empty if it is."""
    try:
        agent = await api.get(path)
    except NotFoundError:
        return "there is none"
    conditions = {each["type"]: each for each in agent.get("status", {}).get("conditions", [])}
    if not conditions:
        return "no operator has looked at it"
    if conditions["Ready"]["status"] == "True":
        return ""
    telling = "Degraded" if conditions["Degraded"]["status"] == "True" else "Ready"
    return f"{conditions[telling]['reason']}: {conditions[telling]['message']}"
