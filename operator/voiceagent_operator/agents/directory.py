"""All VoiceAgents that the operator knows, and which of them holds which extension.

Two extensions of an Asterisk overlap if some number matches both. Of two agents whose extensions
overlap, the older one keeps its own. The number plan of an Asterisk refuses some to all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from asterisk_config.number_plan import NumberPlan, Refusal, may_transfer
from asterisk_config.patterns import overlap
from voiceagent_operator.agents.agent import Agent, Key


@dataclass(frozen=True, slots=True)
class Claim:
    """The extensions that one agent requests of an Asterisk, and how Asterisk reaches it."""

    key: Key
    uid: str
    created: str
    asterisk: str
    extensions: tuple[str, ...]
    transport: str
    rate_hz: int
    transfers: tuple[str, ...]
    """Transfer targets, each context,extension,priority."""
    api: str
    """host:port of /api/call-start."""

    @property
    def age(self) -> tuple[str, str]:
        """Sorts the oldest first; the uid decides between two of the same second."""
        return self.created, self.uid


@dataclass(frozen=True, slots=True)
class Award:
    """The result of a claim."""

    claim: Claim
    granted: tuple[str, ...] = ()
    taken: tuple[tuple[str, str], ...] = field(default=())
    """Extensions held by older agents, each with the holder as namespace/name."""
    refused: tuple[Refusal, ...] = ()
    """Extensions that the number plan refuses."""
    transfers: tuple[str, ...] = ()
    """Permitted transfer targets."""
    blocked: tuple[str, ...] = ()
    """Transfer targets that the number plan does not permit."""


NO_PLAN: Final = NumberPlan()
"""Of an Asterisk without one: no number is reserved."""


def claim_of(agent: Agent) -> Claim:
    """The claim of `agent`."""
    spec = agent.spec
    return Claim(
        key=agent.key,
        uid=agent.uid,
        created=agent.created,
        asterisk=spec.telephony.asterisk,
        extensions=spec.telephony.extensions,
        transport=spec.line.transport,
        rate_hz=spec.line.rate_hz,
        transfers=tuple(sorted({transfer.goto for transfer in spec.telephony.transfers})),
        # Without the cluster's domain, which not every cluster calls cluster.local.
        api=f"{agent.name}.{agent.namespace}.svc:{spec.server.http_port}",
    )


def award(
    claims: Iterable[Claim], plans: Mapping[str, NumberPlan] | None = None
) -> dict[Key, Award]:
    """Each agent's award, the oldest agents first. Asterisks do not share their extensions.

    Args:
        plans: by the name of the Asterisk.
    """
    holders: dict[str, _Holders] = {}
    awards: dict[Key, Award] = {}
    for claim in sorted(claims, key=lambda each: each.age):
        plan = (plans or {}).get(claim.asterisk, NO_PLAN)
        held = holders.setdefault(claim.asterisk, _Holders())
        granted, taken, refused = [], [], []
        for extension in claim.extensions:
            if (refusal := plan.refusal(claim.key[0], extension)) is not None:
                refused.append(refusal)
            elif holder := held.other(extension, claim.key):
                taken.append((extension, holder))
            else:
                granted.append(extension)
                held.add(extension, claim.key)
        allowed = tuple(
            place for place in claim.transfers if may_transfer(place, plan.transfer_places)
        )
        blocked = tuple(place for place in claim.transfers if place not in allowed)
        awards[claim.key] = Award(
            claim, tuple(granted), tuple(taken), tuple(refused), allowed, blocked
        )
    return awards


class _Holders:
    """The granted extensions of one Asterisk. Numbers, which are most of them, are looked up."""

    def __init__(self) -> None:
        self._numbers: dict[str, Key] = {}
        self._patterns: dict[str, Key] = {}

    def add(self, extension: str, holder: Key) -> None:
        pattern = extension.startswith("_")
        (self._patterns if pattern else self._numbers)[extension] = holder

    def other(self, extension: str, claimer: Key) -> str:
        """The agent that holds `extension` or one that overlaps with it, "" for none."""
        same = self._numbers.get(extension) or self._patterns.get(extension)
        if same is not None:
            return "" if same == claimer else "/".join(same)
        # Two different numbers do not overlap.
        held = self._patterns | (self._numbers if extension.startswith("_") else {})
        for each, holder in held.items():
            if holder != claimer and overlap(each, extension):
                return f"{each} of {'/'.join(holder)}"
        return ""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One VoiceAgent."""

    uid: str
    generation: int
    claim: Claim | None
    """None if the spec is invalid: the agent then holds no extension."""


class Directory:
    """Written by the watch of VoiceAgents, read by whatever needs all of them.

    Args:
        plans: see `award`.
    """

    def __init__(self, plans: Mapping[str, NumberPlan] | None = None) -> None:
        self._plans = plans
        self._entries: dict[Key, DirectoryEntry] = {}
        self._awards: dict[Key, Award] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._entries))

    def get(self, key: Key) -> DirectoryEntry | None:
        """The entry of `key`, if there is one."""
        return self._entries.get(key)

    def put(self, agent: Agent) -> set[str]:
        """Store `agent`; returns the Asterisks whose dialplan may change."""
        entry = DirectoryEntry(agent.uid, agent.generation, claim_of(agent))
        return self._set(agent.key, entry)

    def put_bad(self, key: Key, uid: str, generation: int) -> set[str]:
        """Store a VoiceAgent with an invalid spec; returns as `put`."""
        return self._set(key, DirectoryEntry(uid, generation, None))

    def remove(self, key: Key) -> set[str]:
        """Remove a VoiceAgent; returns as `put`."""
        return self._set(key, None)

    def awards(self) -> dict[Key, Award]:
        """Which agent holds which extension."""
        if self._awards is None:
            self._awards = award(
                (entry.claim for entry in self._entries.values() if entry.claim is not None),
                self._plans,
            )
        return self._awards

    def at(self, asterisk: str) -> list[Award]:
        """The awards at one Asterisk, the oldest agent first."""
        return [each for each in self.awards().values() if each.claim.asterisk == asterisk]

    def asterisks(self) -> set[str]:
        """All Asterisks with at least one claim."""
        return {entry.claim.asterisk for entry in self._entries.values() if entry.claim}

    def rivals(self, key: Key) -> set[Key]:
        """Other agents that claim an extension that overlaps with one of `key` at its Asterisk."""
        entry = self._entries.get(key)
        if entry is None or entry.claim is None:
            return set()
        mine = entry.claim.extensions
        return {
            other
            for other, each in self._entries.items()
            if other != key
            and each.claim is not None
            and each.claim.asterisk == entry.claim.asterisk
            and any(overlap(own, theirs) for own in mine for theirs in each.claim.extensions)
        }

    def _set(self, key: Key, entry: DirectoryEntry | None) -> set[str]:
        old = self._entries.get(key)
        if entry is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = entry
        before, after = old.claim if old else None, entry.claim if entry else None
        if before == after:
            return set()
        self._awards = None
        return {each.asterisk for each in (before, after) if each is not None}
