"""Which numbers VoiceAgents may claim at an Asterisk, and where they may transfer callers. Pure.

The operator and Asterisk run in different pods. The chart passes one plan to both: the operator
refuses claims and reports the reason in the status of the VoiceAgent, Asterisk drops transfers that
a dialplan from elsewhere contains nevertheless (`published.restrict`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, ValidationError

from asterisk_config.patterns import covers, overlap
from media_pod.manifest.types import DialplanPlace, DnsLabel, NumberOrPattern
from media_pod.manifest.validation import SpecError, StrictModel, describe

AGENTS: Final = "interject-agents"
"""Context of the agents' extensions."""
PHONES: Final = "interject-phones"
"""Context of the phones' numbers."""
QUEUES: Final = "interject-queues"
"""Context of the queues, by name and by extension."""

Numbers = Annotated[tuple[NumberOrPattern, ...], Field(strict=False, max_length=1000)]
TransferPlaces = Annotated[tuple[DialplanPlace, ...], Field(strict=False, max_length=200)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An extension that no agent, or not this one, can have."""

    extension: str
    reason: str
    """Reason of a condition."""
    why: str


class NamespaceClaims(StrictModel):
    """Numbers that the VoiceAgents of a namespace may claim."""

    namespace: DnsLabel
    numbers: Numbers


class NumberPlan(StrictModel):
    """The plan of one Asterisk. Without a plan, nothing but transfers is refused."""

    phones: Numbers = ()
    queues: Numbers = ()
    agents: Numbers = ()
    """Of agents in Asterisk's own values."""
    emergency: Numbers = ()
    reserved: Numbers = ()
    claims: Annotated[tuple[NamespaceClaims, ...], Field(strict=False, max_length=1000)] = ()
    """Empty: every namespace may claim every number that is free."""
    transfer_places: TransferPlaces = ()

    def refusal(self, namespace: str, extension: str) -> Refusal | None:
        """Why no agent of `namespace` can have `extension`; None if the plan permits it."""
        for kind, number in self._taken():
            if overlap(number, extension):
                how = "" if number == extension else "overlaps "
                return Refusal(extension, "ExtensionReserved", f"{how}{kind} {number}")
        if self.claims and not any(
            covers(number, extension)
            for each in self.claims
            if each.namespace == namespace
            for number in each.numbers
        ):
            why = f"not among the numbers of namespace {namespace}"
            return Refusal(extension, "ExtensionNotPermitted", why)
        return None

    def _taken(self) -> Iterable[tuple[str, str]]:
        """Numbers that no agent can have, each with what it is."""
        for kind, numbers in (
            ("phone", self.phones),
            ("queue", self.queues),
            ("agent of Asterisk's values,", self.agents),
            ("emergency number", self.emergency),
            ("reserved number", self.reserved),
        ):
            for number in numbers:
                yield kind, number


def may_transfer(place: str, places: Iterable[str]) -> bool:
    """Whether a published agent may transfer callers to `place`.

    Agents, phones and queues of Interject's own contexts lead nowhere else; any other location can
    be an outside line, and has to be listed.

    Args:
        place: context,extension,priority.
        places: further permitted locations.
    """
    context, _, priority = place.split(",")
    return (context in (AGENTS, PHONES, QUEUES) and priority == "1") or place in places


def parse_plans(text: str, source: str) -> Mapping[str, NumberPlan]:
    """Plans by the name of their Asterisk, from a JSON object; `source` names it in messages.

    Raises:
        SpecError: not a JSON object, or an invalid plan.
    """
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise SpecError(source, (f"found text that is no JSON ({error})",)) from None
    if not isinstance(found, dict):
        raise SpecError(source, ("found no object; allowed: an object with a plan per Asterisk",))
    return {name: _plan(plan, f"{source}: {name}") for name, plan in found.items()}


def _plan(found: object, source: str) -> NumberPlan:
    try:
        return NumberPlan.model_validate(found, by_alias=True, by_name=False)
    except ValidationError as errors:
        raise SpecError(source, describe(errors, NumberPlan)) from None
