"""Leader election: the state machine, as a table. No clock, no I/O.

Replicas compete for one Lease; its holder leads. Clocks of different machines are never compared:
each replica measures with its own clock how long ago it saw the Lease change.

Rules
-----
- A candidate acquires a Lease without a holder, and one that has not changed for its duration. A
  Lease with our own identity is acquired too: an earlier write succeeded, but its answer was lost.
- A leader renews its Lease long before it expires, and steps down long before others may acquire
  it. Time counts from the sending of the last accepted write, not from its answer.
- A leader that sees another holder steps down at once.
- A replica that has stepped down never leads again: its process ends and restarts as a candidate.

    state      Lease    age      action
    CANDIDATE  FREE     any      ACQUIRE
    CANDIDATE  OURS     any      ACQUIRE
    CANDIDATE  HELD     any      WAIT
    CANDIDATE  EXPIRED  any      ACQUIRE
    LEADER     ours     FRESH    WAIT
    LEADER     ours     DUE      RENEW
    LEADER     any      OVERDUE  STEP_DOWN
    LEADER     another  any      STEP_DOWN
    LOST       any      any      STEP_DOWN

A leader treats a deleted Lease, or one without a holder, as its own: its next write restores it,
unless another replica was faster.

Every write names the version of the Lease that it replaces, so of two writers one is refused. Two
leaders at a time would need a clock that runs half as fast again as another.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

LEASE_DURATION_S: Final = 12.0
"""How long other replicas respect an unchanged Lease. With a poll every `RETRY_EVERY_S` a crashed
leader is replaced within 14 s; documented are 15 s."""
RENEW_EVERY_S: Final = 4.0
"""A write every 4 s is no load, and leaves 4 s to try again in, if it fails."""
RENEW_AGAIN_EVERY_S: Final = 0.5
"""Between two tries of a leader whose write fails. An API server that restarts is away for
seconds, and refuses at once meanwhile: each moment that is not tried counts."""
RENEW_DEADLINE_S: Final = 8.0
"""A leader whose writes fail for this long steps down. The 4 s until others may take over are for
its work to stop, and for clocks that run unequally fast."""
RETRY_EVERY_S: Final = 2.0
"""Poll interval of a candidate: a released Lease is acquired within this time."""


class LeaseState(Enum):
    """Role of this process."""

    CANDIDATE = "candidate"
    LEADER = "leader"
    LOST = "lost"


class LeaseSeen(Enum):
    """State of the Lease, as seen by this replica."""

    FREE = "free"
    """It does not exist, or has no holder."""
    OURS = "ours"
    HELD = "held"
    """Another holds it, and it changed within its duration."""
    EXPIRED = "expired"
    """Another holds it, and it has not changed for its duration."""


class RenewalAge(Enum):
    """How long ago a leader sent the last write that was accepted."""

    FRESH = "fresh"
    DUE = "due"
    OVERDUE = "overdue"


class LeaseAction(Enum):
    """What to do next."""

    WAIT = "wait"
    ACQUIRE = "acquire"
    RENEW = "renew"
    STEP_DOWN = "step down"


_S, _L, _A, _DO = (
    LeaseState,
    LeaseSeen,
    RenewalAge,
    LeaseAction,
)  # the table is read more often than these names

TABLE: Final[Mapping[tuple[LeaseState, LeaseSeen, RenewalAge], LeaseAction]] = MappingProxyType(
    {
        **{(_S.CANDIDATE, seen, age): _DO.ACQUIRE for seen in LeaseSeen for age in RenewalAge},
        **{(_S.CANDIDATE, _L.HELD, age): _DO.WAIT for age in RenewalAge},
        **{(_S.LEADER, seen, age): _DO.STEP_DOWN for seen in LeaseSeen for age in RenewalAge},
        **{(_S.LEADER, seen, _A.FRESH): _DO.WAIT for seen in (_L.FREE, _L.OURS)},
        **{(_S.LEADER, seen, _A.DUE): _DO.RENEW for seen in (_L.FREE, _L.OURS)},
        **{(_S.LOST, seen, age): _DO.STEP_DOWN for seen in LeaseSeen for age in RenewalAge},
    }
)


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The fields of a Lease that the election needs."""

    holder: str
    """Identity of the holder; "" without one."""
    duration_s: float
    """How long others shall leave the Lease alone after they saw it change."""
    renewed: str
    """When the holder wrote it, by the holder's clock: compared with itself alone."""


@dataclass(frozen=True, slots=True)
class ElectionStep:
    """What to do next, and how long to wait before the next decision."""

    action: LeaseAction
    wait_s: float
    """Until `Election.decide` may answer otherwise without anything new being seen; 0 unless
    `action` is WAIT."""


class Election:
    """One process's part in the election.

    Args:
        identity: names this process in the Lease; no other process, and no later one, may have it.

    All times are in seconds of one monotonic clock, this process's own.
    """

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._state = LeaseState.CANDIDATE
        self._seen: LeaseRecord | None = None
        self._changed_s = -math.inf
        self._renewed_s = -math.inf

    @property
    def state(self) -> LeaseState:
        """Role of this process."""
        return self._state

    def saw(self, record: LeaseRecord | None, now_s: float) -> None:
        """The Lease was read, `now_s` at the latest; None: there is none."""
        if record != self._seen:
            self._seen, self._changed_s = record, now_s

    def wrote(self, record: LeaseRecord, sent_s: float) -> None:
        """The server has accepted a write of ours that was sent at `sent_s`.

        A write that was accepted too late does not bring a lost leader back.
        """
        self._seen, self._changed_s, self._renewed_s = record, sent_s, sent_s
        if self._state is LeaseState.CANDIDATE:
            self._state = LeaseState.LEADER

    def decide(self, now_s: float) -> ElectionStep:
        """What to do at `now_s`; a step down is for good."""
        action = TABLE[self._state, self._lease(now_s), self._age(now_s)]
        if action is LeaseAction.STEP_DOWN:
            self._state = LeaseState.LOST
        if action is not LeaseAction.WAIT:
            return ElectionStep(action, 0.0)
        until_s = self._renewed_s + RENEW_EVERY_S
        if self._state is LeaseState.CANDIDATE:
            until_s = min(self._expires_s, now_s + RETRY_EVERY_S)
        return ElectionStep(action, max(0.0, until_s - now_s))

    @property
    def deadline_s(self) -> float:
        """When a leader has to have stepped down, unless a write is accepted before."""
        return self._renewed_s + RENEW_DEADLINE_S

    @property
    def _expires_s(self) -> float:
        return self._changed_s + (self._seen.duration_s if self._seen else 0.0)

    def _lease(self, now_s: float) -> LeaseSeen:
        if self._seen is None or not self._seen.holder:
            return LeaseSeen.FREE
        if self._seen.holder == self._identity:
            return LeaseSeen.OURS
        return LeaseSeen.EXPIRED if now_s >= self._expires_s else LeaseSeen.HELD

    def _age(self, now_s: float) -> RenewalAge:
        if now_s >= self.deadline_s:
            return RenewalAge.OVERDUE
        return RenewalAge.DUE if now_s >= self._renewed_s + RENEW_EVERY_S else RenewalAge.FRESH
