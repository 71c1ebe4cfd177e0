"""The election's table, and what it promises whatever the clocks, the network and the server do."""

import heapq
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceagent_operator.leader.election import (
    LEASE_DURATION_S,
    RENEW_DEADLINE_S,
    RENEW_EVERY_S,
    RETRY_EVERY_S,
    TABLE,
    Election,
    LeaseAction,
    LeaseRecord,
    LeaseSeen,
    LeaseState,
    RenewalAge,
)

A_S = LeaseRecord("a", LEASE_DURATION_S, "10:00:00")
B_S = LeaseRecord("b", LEASE_DURATION_S, "10:00:00")
NOBODY_S = LeaseRecord("", 1.0, "10:00:00")


def leader(sent_s: float = 100.0) -> Election:
    election = Election("a")
    election.wrote(A_S, sent_s)
    return election


def test_every_case_has_an_answer() -> None:
    assert set(TABLE) == {
        (state, seen, age) for state in LeaseState for seen in LeaseSeen for age in RenewalAge
    }


@pytest.mark.parametrize("record", [None, NOBODY_S, A_S])
def test_a_candidate_takes_what_is_free_or_its_own(record: LeaseRecord | None) -> None:
    election = Election("a")
    election.saw(record, 100.0)
    assert election.decide(100.0).action is LeaseAction.ACQUIRE


def test_a_candidate_leaves_a_lease_alone_for_its_duration_from_when_it_saw_it() -> None:
    election = Election("a")
    election.saw(B_S, 100.0)
    election.saw(B_S, 111.0)
    assert election.decide(111.5).action is LeaseAction.WAIT
    assert election.decide(112.0).action is LeaseAction.ACQUIRE


def test_a_lease_that_changes_is_left_alone_again() -> None:
    election = Election("a")
    election.saw(B_S, 100.0)
    election.saw(replace(B_S, renewed="10:00:04"), 111.0)
    assert election.decide(122.5).action is LeaseAction.WAIT


def test_what_the_clock_of_the_holder_says_does_not_matter() -> None:
    election = Election("a")
    election.saw(replace(B_S, renewed="1970-01-01"), 100.0)
    assert election.decide(100.0).action is LeaseAction.WAIT
    election.saw(replace(B_S, renewed="2999-01-01"), 101.0)
    assert election.decide(113.0).action is LeaseAction.ACQUIRE


def test_the_holder_says_how_long_its_lease_lasts() -> None:
    election = Election("a")
    election.saw(replace(B_S, duration_s=30.0), 100.0)
    assert election.decide(129.0).action is LeaseAction.WAIT
    assert election.decide(130.0).action is LeaseAction.ACQUIRE


def test_a_candidate_polls_again_soon_and_not_later_than_the_lease_expires() -> None:
    election = Election("a")
    election.saw(B_S, 100.0)
    assert election.decide(100.0).wait_s == RETRY_EVERY_S
    assert election.decide(111.5).wait_s == 0.5


def test_a_leader_renews_from_when_its_write_was_sent() -> None:
    election = leader(100.0)
    assert election.decide(101.0).action is LeaseAction.WAIT
    assert election.decide(101.0).wait_s == RENEW_EVERY_S - 1
    assert election.decide(104.0).action is LeaseAction.RENEW
    election.wrote(A_S, 104.0)
    assert election.decide(107.9).action is LeaseAction.WAIT


def test_a_leader_whose_lease_vanished_puts_it_back_in_time() -> None:
    election = leader(100.0)
    election.saw(None, 101.0)
    assert election.decide(101.0).action is LeaseAction.WAIT
    assert election.decide(104.0).action is LeaseAction.RENEW


def test_a_leader_that_sees_another_name_steps_down_for_good() -> None:
    election = leader(100.0)
    election.saw(B_S, 101.0)
    assert election.decide(101.0).action is LeaseAction.STEP_DOWN
    election.saw(None, 102.0)
    assert election.decide(500.0).action is LeaseAction.STEP_DOWN
    assert election.state is LeaseState.LOST


def test_a_leader_that_cannot_renew_steps_down_while_its_lease_still_holds() -> None:
    election = leader(100.0)
    assert election.decide(107.9).action is LeaseAction.RENEW
    assert election.decide(108.0).action is LeaseAction.STEP_DOWN
    assert RENEW_DEADLINE_S < LEASE_DURATION_S


def test_an_answer_that_comes_too_late_makes_no_leader() -> None:
    lost = leader(100.0)
    lost.decide(108.0)
    lost.wrote(A_S, 107.0)
    assert lost.decide(108.0).action is LeaseAction.STEP_DOWN

    slow = Election("a")
    slow.wrote(A_S, 100.0)
    assert slow.decide(108.0).action is LeaseAction.STEP_DOWN


@dataclass
class World:
    """Candidates around one Lease, event by event; true time, and each one's own clock."""

    rng: random.Random
    rates: list[float]
    lease: LeaseRecord | None = None
    version: int = 0
    elections: list[Election] = field(default_factory=list)
    read_version: list[int] = field(default_factory=list)

    def run(self, for_s: float, failing: float) -> None:
        names = [chr(ord("a") + number) for number in range(len(self.rates))]
        self.elections = [Election(name) for name in names]
        self.read_version = [-1] * len(names)
        due = [(self.rng.random(), number) for number in range(len(names))]
        heapq.heapify(due)
        while due and due[0][0] < for_s:
            now_s, number = heapq.heappop(due)
            after_s = self._turn(now_s, number, failing)
            if after_s is not None:
                heapq.heappush(due, (now_s + after_s, number))
            self._check(now_s)

    def _turn(self, now_s: float, number: int, failing: float) -> float | None:
        """One read and, if necessary, one write; returns when the next is due."""
        election, rate = self.elections[number], self.rates[number]
        election_now_s = now_s * rate + 1000 * number
        if self.rng.random() >= failing and election.state is LeaseState.CANDIDATE:
            election.saw(self.lease, election_now_s)
            self.read_version[number] = self.version
        step = election.decide(election_now_s)
        if step.action is LeaseAction.STEP_DOWN:
            return None
        if step.action is LeaseAction.WAIT:
            return max(step.wait_s, 1e-6) / rate
        if self.rng.random() >= failing:
            if self.read_version[number] == self.version:
                self.version += 1
                self.lease = LeaseRecord(
                    chr(ord("a") + number), LEASE_DURATION_S, str(self.version)
                )
                if self.rng.random() >= failing:  # else its answer is lost
                    election.wrote(self.lease, election_now_s)
                    self.read_version[number] = self.version
            else:
                election.saw(self.lease, election_now_s)
                self.read_version[number] = self.version
        return RETRY_EVERY_S * self.rng.uniform(0.1, 1.0) / rate

    def _check(self, now_s: float) -> None:
        leading = [
            number
            for number, election in enumerate(self.elections)
            if election.state is LeaseState.LEADER
            and now_s * self.rates[number] + 1000 * number < election.deadline_s
        ]
        assert len(leading) <= 1, f"{len(leading)} lead at {now_s}"


@settings(deadline=None)
@given(
    st.integers(0, 1 << 32),
    st.lists(st.floats(0.85, 1.2), min_size=2, max_size=4),
    st.floats(0.0, 0.9),
)
def test_two_never_lead_at_a_time(seed: int, rates: list[float], failing: float) -> None:
    World(random.Random(seed), rates).run(600.0, failing)


@settings(deadline=None)
@given(st.integers(0, 1 << 32), st.lists(st.floats(0.85, 1.2), min_size=1, max_size=4))
def test_with_a_server_that_answers_one_replica_leads_and_goes_on(
    seed: int, rates: list[float]
) -> None:
    world = World(random.Random(seed), rates)
    world.run(600.0, failing=0.0)
    states = [election.state for election in world.elections]
    assert states.count(LeaseState.LEADER) == 1
    assert LeaseState.LOST not in states
