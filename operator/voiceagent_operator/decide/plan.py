"""Whether an object is as it should be, as far as the operator wants anything of it.

The API server fills in defaults and writes quantities its own way ("1000m" becomes "1"), and others
may add fields of theirs. So an object is compared in the shape of what was applied: mappings by
their keys there, lists of named things by name, other lists item by item.
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
    """Whether `live` has everything that `desired` has."""
    return bool(shaped(live, desired) == desired)


def shaped(live: Any, desired: Any) -> Any:
    """`live` reduced to what `desired` speaks of; None where it has nothing."""
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
    """The key by which Kubernetes tells these items apart, None if by their place."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for key in _MERGE_KEYS:
        values = [item.get(key) for item in items]
        if None not in values and len(set(map(repr, values))) == len(values):
            return key
    return None


class Why(Enum):
    """Why a child is applied."""

    MISSING = "missing"
    CHANGED = "changed"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order."""

    apply: tuple[tuple[Child, Why], ...]
    prune: tuple[Slot, ...]

    @property
    def empty(self) -> bool:
        """Nothing has to be done."""
        return not (self.apply or self.prune)


def make_plan(
    agent: Agent, desired: Iterable[Child], live: Mapping[Slot, Json], left: Mapping[Slot, str]
) -> Plan:
    """What to do with the children of `agent`.

    Args:
        live: those that it has, whoever owns them.
        left: `trace` of each child after it was last applied.
    """
    wanted = {(child.kind, child.name): child for child in desired}
    apply = [
        (child, why)
        for slot, child in wanted.items()
        if (why := _why(child, live.get(slot), left.get(slot))) is not None
    ]
    prune = [slot for slot, found in live.items() if slot not in wanted and owns(agent, found)]
    return Plan(tuple(apply), tuple(prune))


def trace(child: Child, found: Json) -> str:
    """What the API server made of `child`: equal as long as nobody changes it."""
    return digest([child.applied, shaped(found, child.body)])


def owns(agent: Agent, found: Json) -> bool:
    """Whether `found` is a child of this very agent, not of one with its name."""
    owners = found["metadata"].get("ownerReferences", [])
    return any(owner["uid"] == agent.uid for owner in owners)


def _why(child: Child, found: Json | None, left: str | None) -> Why | None:
    if found is None:
        return Why.MISSING
    if found["metadata"].get("annotations", {}).get(names.APPLIED) != child.applied:
        return Why.CHANGED
    if shaped(found, child.body) == child.body or trace(child, found) == left:
        return None
    return Why.DRIFTED
