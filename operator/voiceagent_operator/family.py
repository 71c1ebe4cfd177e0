"""What an agent has in the cluster: its children and its pods, read anew for each look."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from voiceagent_operator import names
from voiceagent_operator.agent import Agent
from voiceagent_operator.causes import waits_for_volumes
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import DEPLOYMENT, EVENT, POD, Json, Kind

Slot = tuple[Kind, str]
"""A child's kind and name."""


@dataclass(frozen=True, slots=True)
class Family:
    """The children and pods of one agent, as the API server has them."""

    children: dict[Slot, Json] = field(default_factory=dict)
    pods: Sequence[Json] = ()
    events: Sequence[Json] = ()
    """Of pods that wait for their volumes; nothing else needs them."""

    def deployment(self, agent: Agent) -> Json | None:
        """The agent's Deployment."""
        return self.children.get((DEPLOYMENT, agent.name))


async def read_family(api: ApiServer, agent: Agent, kinds: Iterable[Kind]) -> Family:
    """Read what `agent` has of `kinds`, and its pods.

    Raises:
        ApiError: a list cannot be read.
    """
    kinds = tuple(kinds)
    ours = {"labelSelector": f"{names.OURS},{names.AGENT}={agent.name}"}
    lists = await asyncio.gather(
        *(api.get(kind.path(agent.namespace), ours) for kind in kinds),
        api.get(POD.path(agent.namespace), {"labelSelector": f"{names.AGENT}={agent.name}"}),
    )
    *per_kind, pods = (
        [_complete(kind, item) for item in each.get("items", [])]
        for kind, each in zip((*kinds, POD), lists, strict=True)
    )
    return Family(
        children={
            (kind, item["metadata"]["name"]): item
            for kind, items in zip(kinds, per_kind, strict=True)
            for item in items
        },
        pods=pods,
        events=await _events(api, agent, pods),
    )


async def read_one(api: ApiServer, agent: Agent, slot: Slot) -> Json | None:
    """The object at a child's place, whoever made it."""
    kind, name = slot
    try:
        return await api.get(kind.path(agent.namespace, name))
    except NotFoundError:
        return None


async def _events(api: ApiServer, agent: Agent, pods: Sequence[Json]) -> list[Json]:
    if not any(map(waits_for_volumes, pods)):
        return []
    found = await api.get(EVENT.path(agent.namespace), {"fieldSelector": "reason=FailedMount"})
    items: list[Json] = found.get("items", [])
    return items


def _complete(kind: Kind, item: Json) -> Json:
    """An item of a list as it would be alone: lists leave out what kind their items are.

    Without managedFields: half of an object, and read by nobody here.
    """
    item["metadata"].pop("managedFields", None)
    return {"apiVersion": kind.api_version, "kind": kind.kind, **item}
