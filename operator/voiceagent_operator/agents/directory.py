"""All VoiceAgents that the operator knows, and which of them holds which extension.

Of two agents that claim the same extension of an Asterisk, the older one keeps it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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


def award(claims: Iterable[Claim]) -> dict[Key, Award]:
    """Each agent's award, the oldest agents first. Asterisks do not share their extensions."""
    holders: dict[tuple[str, str], Key] = {}
    awards: dict[Key, Award] = {}
    for claim in sorted(claims, key=lambda each: each.age):
        granted, taken = [], []
        for extension in claim.extensions:
            holder = holders.setdefault((claim.asterisk, extension), claim.key)
            if holder == claim.key:
                granted.append(extension)
            else:
                taken.append((extension, "/".join(holder)))
        awards[claim.key] = Award(claim, tuple(granted), tuple(taken))
    return awards


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One VoiceAgent."""

    uid: str
    generation: int
    claim: Claim | None
    """None if the spec is invalid: the agent then holds no extension."""


class Directory:
    """Written by the watch of VoiceAgents, read by whatever needs all of them."""

    def __init__(self) -> None:
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
                entry.claim for entry in self._entries.values() if entry.claim is not None
            )
        return self._awards

    def at(self, asterisk: str) -> list[Award]:
        """The awards at one Asterisk, the oldest agent first."""
        return [each for each in self.awards().values() if each.claim.asterisk == asterisk]

    def asterisks(self) -> set[str]:
        """All Asterisks with at least one claim."""
        return {entry.claim.asterisk for entry in self._entries.values() if entry.claim}

    def rivals(self, key: Key) -> set[Key]:
        """Other agents that claim an extension of `key` at the same Asterisk."""
        entry = self._entries.get(key)
        if entry is None or entry.claim is None:
            return set()
        mine = set(entry.claim.extensions)
        return {
            other
            for other, each in self._entries.items()
            if other != key
            and each.claim is not None
            and each.claim.asterisk == entry.claim.asterisk
            and mine.intersection(each.claim.extensions)
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
