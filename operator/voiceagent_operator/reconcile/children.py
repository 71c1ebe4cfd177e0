"""The objects of one agent in the cluster: read for each reconcile, and repaired by a plan."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from media_pod.errors import InterjectError
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.decide.causes import Cause, waits_for_volumes
from voiceagent_operator.decide.plan import RepairPlan, RepairReason, owns, trace
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError, NotFoundError
from voiceagent_operator.kube.kinds import DEPLOYMENT, EVENT, POD, Json, Kind
from voiceagent_operator.render.children import OPTIONAL, Child, Slot


@dataclass(frozen=True, slots=True)
class Family:
    """The children and pods of one agent, as the API server returns them."""

    children: dict[Slot, Json] = field(default_factory=dict)
    pods: Sequence[Json] = ()
    events: Sequence[Json] = ()
    """Failed mounts, read only while pods wait for volumes."""
    unserved: frozenset[Kind] = frozenset()
    """Kinds of `OPTIONAL` that were asked for, and that the cluster does not serve any more."""

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
        *(_list(api, kind, agent.namespace, ours) for kind in kinds),
        _list(api, POD, agent.namespace, {"labelSelector": f"{names.AGENT}={agent.name}"}),
    )
    *per_kind, pods = (
        [_complete(kind, item) for item in (each or {}).get("items", [])]
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
        unserved=frozenset(kind for kind, each in zip(kinds, lists, strict=False) if each is None),
    )


async def _list(
    api: ApiServer, kind: Kind, namespace: str, selector: dict[str, str]
) -> Json | None:
    """A list; None if the kind is optional and not served."""
    try:
        return await api.get(kind.path(namespace), selector)
    except NotFoundError:
        if kind not in OPTIONAL:
            raise
        return None


async def read_one(api: ApiServer, agent: Agent, slot: Slot) -> Json | None:
    """The object with a child's kind and name, whatever its owner."""
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

    Without managedFields, which are half of an object and not used here.
    """
    item["metadata"].pop("managedFields", None)
    return {"apiVersion": kind.api_version, "kind": kind.kind, **item}


_INVALID = 422
_REFUSED = frozenset({400, 403, 409, _INVALID})
"""Statuses for which a retry does not help."""

log = logging.getLogger(__name__)


class TakenError(InterjectError):
    """A child's name is used by a foreign object, which is not modified."""


@dataclass(slots=True)
class Repair:
    """The result of a repair."""

    writes: int = 0
    drifted: tuple[str, ...] = ()
    """Kinds of repaired children that another client had changed."""
    trouble: Cause | None = None
    """Why a child could not be applied; the first such cause."""


async def repair(
    api: ApiServer, agent: Agent, plan: RepairPlan, family: Family, left: dict[Slot, str]
) -> Repair:
    """Carry out `plan`; children that were applied are in `family` and `left` afterwards.

    A refused child does not prevent the others from being applied.

    Raises:
        ApiError: no answer, or a temporary refusal.
    """
    done = Repair()
    for child, why in plan.apply:
        try:
            found = await _put(api, agent, child)
        except (ApiError, TakenError) as error:
            done.trouble = done.trouble or _refused(child, error)
            continue
        log.info("%s/%s: %s %s applied, %s", *agent.key, child.kind.kind, child.name, why.value)
        done.writes += 1
        slot = (child.kind, child.name)
        family.children[slot], left[slot] = found, trace(child, found)
        if why is RepairReason.DRIFTED:
            done.drifted += (child.kind.kind,)
    for kind, name in plan.prune:
        await api.delete(kind.path(agent.namespace, name))
        log.info("%s/%s: %s %s deleted", *agent.key, kind.kind, name)
        done.writes += 1
    return done


async def _put(api: ApiServer, agent: Agent, child: Child) -> Json:
    there = await read_one(api, agent, (child.kind, child.name))
    if there is not None and not owns(agent, there):
        # Server-side apply would take over a foreign object.
        raise TakenError(
            f"{child.kind.kind} {child.name} exists and is not owned by this agent; "
            "delete it, or rename the agent"
        )
    path = child.kind.path(agent.namespace, child.name)
    try:
        return await api.apply(path, child.body)
    except ApiError as error:
        if there is None or error.status != _INVALID:
            raise
    # An addition of another client, such as a second port with the same name, conflicts with what
    # is applied.
    return await api.replace(path, _instead_of(there, child.body))


def _instead_of(there: Json, body: Json) -> Json:
    """`body` as the whole object, on condition that it has not changed since it was `there`."""
    version = there["metadata"]["resourceVersion"]
    return {**body, "metadata": {**body["metadata"], "resourceVersion": version}}


def _refused(child: Child, error: ApiError | TakenError) -> Cause:
    """The cause, if a retry does not help.

    Raises:
        ApiError: a retry may help.
    """
    what = f"{child.kind.kind} {child.name}"
    if isinstance(error, TakenError):
        return Cause("NameTaken", str(error))
    if error.status not in _REFUSED:
        raise error
    if "quota" in error.message:
        return Cause("QuotaExceeded", f"cannot create {what}: {error.message}")
    return Cause("ChildRefused", f"the API server refuses {what}: {error.message}")
