"""What has to be done so that an agent's children are as they should be. Pure.

there   annotation   content        then
no                                  make it, unless somebody else's object has the name
yes     differs                     apply: the agent has changed, or this version renders anew
yes     equal        as desired     nothing
yes     equal        as left        nothing: the API server writes it its own way
yes     equal        otherwise      apply: somebody changed it
yes                  not desired    delete, if this agent owns it
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from voiceagent_operator import names
from voiceagent_operator.agent import Agent
from voiceagent_operator.drift import shaped
from voiceagent_operator.family import Slot
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.render.children import Child, digest


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
