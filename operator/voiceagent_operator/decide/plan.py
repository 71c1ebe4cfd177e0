"""What to apply and what to delete, so that an agent's children match its spec. Pure.

exists  annotation   content        action
no                                  create, unless a foreign object has the name
yes     differs                     apply: the agent or the operator's rendering has changed
yes     equal        as desired     none
yes     equal        as left        none: the API server normalizes values
yes     equal        otherwise      apply: another client has changed it
yes                  not desired    delete, if this agent owns it

The API server fills in defaults and normalizes quantities ("1000m" becomes "1"), and other clients
may add fields. So an object is compared in the shape of what was applied: maps by the desired keys,
lists of named items by name, other lists item by item.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.render.children import Child, Slot, digest

_MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey", "uid")


def matches(live: Any, desired: Any) -> bool:
    """Whether `live` contains `desired`."""
    return bool(shaped(live, desired) == desired)


def shaped(live: Any, desired: Any) -> Any:
    """`live` reduced to the fields of `desired`; None where it lacks one."""
    match live, desired:
        case dict(), dict():
            return {key: shaped(live.get(key), value) for key, value in desired.items()}
        case list(), list() if key := _merge_key(desired):
            by_key = {item.get(key): item for item in live if isinstance(item, dict)}
            return [shaped(by_key.get(item[key]), item) for item in desired]
        case list(), list():
            pairs = zip(live, desired, strict=False)
            rest = live[len(desired) :]
            return [*(shaped(here, there) for here, there in pairs), *rest]
    if not live and not desired and not isinstance(desired, bool | int | float):
        return desired  # an empty mapping or list is not kept
    return live


def _merge_key(items: list[Any]) -> str | None:
    """The merge key of a list of maps, None if its items are compared by position."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for key in _MERGE_KEYS:
        values = [item.get(key) for item in items]
        if None not in values and len(set(map(repr, values))) == len(values):
            return key
    return None


class RepairReason(Enum):
    """Why a child is applied."""

    MISSING = "missing"
    CHANGED = "changed"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """Steps, in their order."""

    apply: tuple[tuple[Child, RepairReason], ...]
    prune: tuple[Slot, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.apply or self.prune)


def make_plan(
    agent: Agent, desired: Iterable[Child], live: Mapping[Slot, Json], left: Mapping[Slot, str]
) -> RepairPlan:
    """The plan for the children of `agent`.

    Args:
        live: existing objects, whatever their owner.
        left: `trace` of each child after it was last applied.
    """
    wanted = {(child.kind, child.name): child for child in desired}
    apply = [
        (child, why)
        for slot, child in wanted.items()
        if (why := _why(child, live.get(slot), left.get(slot))) is not None
    ]
    prune = [slot for slot, found in live.items() if slot not in wanted and owns(agent, found)]
    return RepairPlan(tuple(apply), tuple(prune))


def trace(child: Child, found: Json) -> str:
    """Hash of `child` as the API server stored it: equal until another client changes it."""
    return digest([child.applied, shaped(found, child.body)])


def owns(agent: Agent, found: Json) -> bool:
    """Whether `found` is owned by this agent, and not by an earlier one of the same name."""
    owners = found["metadata"].get("ownerReferences", [])
    return any(owner["uid"] == agent.uid for owner in owners)


def _why(child: Child, found: Json | None, left: str | None) -> RepairReason | None:
    if found is None:
        return RepairReason.MISSING
    if found["metadata"].get("annotations", {}).get(names.APPLIED) != child.applied:
        return RepairReason.CHANGED
    if shaped(found, child.body) == child.body or trace(child, found) == left:
        return None
    return RepairReason.DRIFTED
