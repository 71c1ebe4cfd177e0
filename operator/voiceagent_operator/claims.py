"""Who has which extension: of two agents that claim one, the older keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from voiceagent_operator.agent import Agent, Key


@dataclass(frozen=True, slots=True)
class Claim:
    """What one agent wants of an Asterisk's dialplan, and how its calls go."""

    key: Key
    uid: str
    created: str
    asterisk: str
    extensions: tuple[str, ...]
    transport: str
    rate_hz: int
    transfers: tuple[str, ...]
    """Places that it may send callers to, each context,extension,priority."""
    api: str
    """host:port that is asked who takes a call."""

    @property
    def age(self) -> tuple[str, str]:
        """Sorts the oldest first; the uid decides between two of the same second."""
        return self.created, self.uid


@dataclass(frozen=True, slots=True)
class Award:
    """What came of a claim."""

    claim: Claim
    granted: tuple[str, ...] = ()
    taken: tuple[tuple[str, str], ...] = field(default=())
    """Extensions that an older agent has, and which, as namespace/name."""


def claim_of(agent: Agent) -> Claim:
    """What `agent` claims."""
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
