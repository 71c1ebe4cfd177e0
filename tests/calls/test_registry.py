"""The registry: no slot is given twice, none is lost, and `call-next` gets the true answer."""

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from media_pod.calls.answers import (
    CONNECT,
    DONE,
    AdmissionError,
    DrainingError,
    FullError,
    Next,
    NextStep,
    StillConnectedError,
    UnreservedError,
)
from media_pod.calls.registry import REMEMBERED_PER_SLOT, CallRegistry, CallState
from media_pod.dialogues.ports import REFUSED_TRANSFER, CallInfo


def info(uuid: str, from_number: str = "") -> CallInfo:
    return CallInfo(uuid, from_number)


@pytest.fixture
def two() -> CallRegistry:
    return CallRegistry(slots=2, reservation_s=10.0)


def test_a_reservation_holds_a_slot_until_its_audiosocket_comes(two: CallRegistry) -> None:
    reserved = two.reserve(info("a"), 0.0)
    connected = two.connect("a", 9.9)
    assert connected.slot == reserved.slot
    assert two.sweep(1e9) == ()
    assert two.state("a") is CallState.CONNECTED


def test_a_reservation_that_nobody_uses_expires(two: CallRegistry) -> None:
    two.reserve(info("a"), 0.0)
    two.reserve(info("b"), 5.0)
    with pytest.raises(FullError) as full:
        two.reserve(info("c"), 6.0)
    assert full.value.retry_after_s == 4.0
    two.reserve(info("c"), 10.0)
    with pytest.raises(UnreservedError, match="ask /api/call-start"):
        two.connect("a", 10.0)


def test_asking_again_renews_the_same_slot(two: CallRegistry) -> None:
    first = two.reserve(info("a"), 0.0).slot
    assert two.reserve(info("a"), 9.0).slot == first
    assert two.connect("a", 18.0).slot == first


def test_a_full_pod_of_running_calls_says_when_to_try_again(two: CallRegistry) -> None:
    for uuid in "ab":
        two.reserve(info(uuid), 0.0)
        two.connect(uuid, 0.0)
    with pytest.raises(FullError, match="all 2 slots are taken") as full:
        two.reserve(info("c"), 100.0)
    assert full.value.retry_after_s == 10.0


def test_a_second_audiosocket_of_a_running_call_is_refused(two: CallRegistry) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    with pytest.raises(StillConnectedError):
        two.connect("a", 1.0)
    with pytest.raises(StillConnectedError):
        two.reserve(info("a"), 1.0)
    assert len(two.present) == 1


def test_after_the_bots_goodbye_the_dialplan_is_done(two: CallRegistry) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    two.goodbye("a")
    two.finish("a")
    assert two.next(info("a"), 1.0) == DONE
    assert two.present == ()


def test_the_dialplan_is_done_even_if_it_asks_before_the_end_of_file_is_seen(
    two: CallRegistry,
) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    two.goodbye("a")
    assert two.next(info("a"), 1.0) == DONE
    two.finish("a")
    assert two.next(info("a"), 2.0) == DONE


def test_a_caller_whom_the_bot_sends_on_goes_there_whenever_the_dialplan_asks(
    two: CallRegistry,
) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    two.goodbye("a", "phones,200,1")
    assert two.next(info("a"), 1.0) == Next(NextStep.GOTO, "phones,200,1")
    two.finish("a")
    assert two.next(info("a"), 2.0) == Next(NextStep.GOTO, "phones,200,1")


@pytest.mark.parametrize("seen_first", [True, False])
def test_a_caller_who_hangs_up_is_sent_nowhere(two: CallRegistry, seen_first: bool) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    two.goodbye("a", "phones,200,1")
    if seen_first:
        two.finish("a")
    two.hang_up("a")
    assert two.next(info("a"), 1.0) == DONE


def test_a_lost_call_gets_a_place_again_and_keeps_its_numbers(two: CallRegistry) -> None:
    two.reserve(info("a", "+4930123"), 0.0)
    two.connect("a", 0.0)
    two.finish("a")
    assert two.next(info("a"), 1.0) == CONNECT
    assert two.connect("a", 2.0).info.from_number == "+4930123"


def test_a_lost_call_that_does_not_come_in_time_may_still_come_later(two: CallRegistry) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    two.finish("a")
    two.next(info("a"), 1.0)
    two.drain()
    assert two.next(info("a"), 100.0) == CONNECT


PLACE = "from-internal,00900123,1"


def after_a_transfer(two: CallRegistry, *, finished: bool) -> CallInfo:
    """The question of a dialplan that refused the transfer, after the agent asked for it."""
    two.reserve(CallInfo("a", "493069", variables={"customer": "7"}), 0.0)
    two.connect("a", 1.0)
    two.goodbye("a", PLACE)
    if finished:
        two.finish("a")
    return CallInfo("a", variables={REFUSED_TRANSFER: PLACE})


def test_a_refused_transfer_continues_the_call_and_the_agent_learns_of_it(
    two: CallRegistry,
) -> None:
    refused = after_a_transfer(two, finished=True)
    assert two.next(info("a"), 2.0) == Next(NextStep.GOTO, PLACE)
    assert two.next(refused, 2.0) == CONNECT
    call = two.connect("a", 2.1)
    assert call.info.from_number == "493069"
    assert call.info.variables == {"customer": "7", REFUSED_TRANSFER: PLACE}
    two.goodbye("a")
    two.finish("a")
    assert two.next(info("a"), 3.0) == DONE, "the refusal is told once"


def test_a_refused_transfer_waits_for_the_end_of_its_connection(two: CallRegistry) -> None:
    refused = after_a_transfer(two, finished=False)
    with pytest.raises(StillConnectedError):
        two.next(refused, 2.0)
    two.finish("a")
    assert two.next(refused, 2.0) == CONNECT


def test_the_caller_of_a_refused_transfer_is_kept_while_the_pod_drains(two: CallRegistry) -> None:
    refused = after_a_transfer(two, finished=True)
    two.drain()
    assert two.next(refused, 2.0) == CONNECT


def test_a_refusal_of_another_place_changes_nothing(two: CallRegistry) -> None:
    after_a_transfer(two, finished=True)
    other = CallInfo("a", variables={REFUSED_TRANSFER: "ivr,s,1"})
    assert two.next(other, 2.0) == Next(NextStep.GOTO, PLACE)


def test_an_unknown_call_asking_for_next_is_a_new_call(two: CallRegistry) -> None:
    assert two.next(info("a"), 0.0) == CONNECT
    assert two.state("a") is CallState.RESERVED


def test_draining_keeps_promises_and_makes_no_new_ones(two: CallRegistry) -> None:
    two.reserve(info("a"), 0.0)
    two.drain()
    with pytest.raises(DrainingError):
        two.reserve(info("b"), 1.0)
    assert two.reserve(info("a"), 1.0).slot == two.connect("a", 2.0).slot
    two.finish("a")
    assert two.next(info("a"), 3.0) == CONNECT


def test_a_hang_up_before_the_connection_gives_the_slot_back(two: CallRegistry) -> None:
    two.reserve(info("a"), 0.0)
    assert two.hang_up("a") is CallState.RESERVED
    assert two.present == ()
    with pytest.raises(UnreservedError):
        two.connect("a", 1.0)


def test_a_hang_up_during_the_call_keeps_the_slot_until_the_connection_ends(
    two: CallRegistry,
) -> None:
    two.reserve(info("a"), 0.0)
    two.connect("a", 0.0)
    assert two.hang_up("a") is CallState.CONNECTED
    assert len(two.present) == 1
    two.finish("a")
    assert two.hang_up("a") is CallState.DONE
    assert two.next(info("a"), 1.0) == DONE


def test_a_hang_up_of_an_unknown_call_says_so(two: CallRegistry) -> None:
    assert two.hang_up("a") is None


def test_memory_of_ended_calls_is_bounded_and_forgets_the_oldest() -> None:
    one = CallRegistry(slots=1, reservation_s=10.0)
    for n in range(REMEMBERED_PER_SLOT + 1):
        one.reserve(info(str(n)), 0.0)
        one.connect(str(n), 0.0)
        one.goodbye(str(n))
        one.finish(str(n))
    assert one.state("0") is None
    assert one.state("1") is CallState.DONE


def test_what_the_dialplan_says_last_of_a_trace_counts(two: CallRegistry) -> None:
    two.reserve(CallInfo("a", "+4930123", leg=0), 0.0)
    two.reserve(CallInfo("a", traceparent="parent", leg=1), 1.0)
    assert two.connect("a", 2.0).info == CallInfo("a", "+4930123", traceparent="parent", leg=1)


class RegistryMachine(RuleBasedStateMachine):
    """The registry against what its callers rely on: which call has which slot."""

    uuids = st.sampled_from("abcdefg")

    @initialize(slots=st.integers(1, 4))
    def begin(self, slots: int) -> None:
        self.slots = slots
        self.registry = CallRegistry(slots, reservation_s=10.0)
        self.now_s = 0.0
        self.held: dict[str, int] = {}
        self.until: dict[str, float] = {}
        self.done: set[str] = set()
        self.draining = False

    def expire(self) -> None:
        for uuid in [uuid for uuid, end_s in self.until.items() if end_s <= self.now_s]:
            del self.held[uuid], self.until[uuid]

    def grant(self, uuid: str) -> None:
        call = self.registry.get(uuid)
        assert call is not None
        if uuid in self.held:
            assert self.held[uuid] == call.slot
        else:
            assert call.slot not in self.held.values()
            assert 0 <= call.slot < self.slots
        self.held[uuid] = call.slot
        self.until[uuid] = self.now_s + 10.0
        self.done.discard(uuid)

    @rule(uuid=uuids)
    def reserve(self, uuid: str) -> None:
        self.expire()
        lost = self.registry.state(uuid) is CallState.LOST
        try:
            self.registry.reserve(info(uuid), self.now_s)
        except FullError as full:
            assert len(self.held) == self.slots
            assert uuid not in self.held
            assert 0 < full.retry_after_s <= 10.0
        except DrainingError:
            assert self.draining
            assert uuid not in self.held
            assert not lost
        except StillConnectedError:
            assert math.isinf(self.until[uuid])
        else:
            self.grant(uuid)

    @rule(uuid=uuids)
    def ask_next(self, uuid: str) -> None:
        self.expire()
        try:
            step = self.registry.next(info(uuid), self.now_s)
        except AdmissionError:
            assert uuid not in self.done
            return
        assert (step == DONE) == (uuid in self.done)
        if step == CONNECT:
            self.grant(uuid)

    @rule(uuid=uuids)
    def connect(self, uuid: str) -> None:
        self.expire()
        try:
            call = self.registry.connect(uuid, self.now_s)
        except UnreservedError:
            assert uuid not in self.held
        except StillConnectedError:
            assert math.isinf(self.until[uuid])
        else:
            assert self.held[uuid] == call.slot
            self.until[uuid] = math.inf

    @rule(uuid=uuids)
    def finish(self, uuid: str) -> None:
        self.registry.finish(uuid)
        if math.isinf(self.until.get(uuid, 0.0)):
            del self.held[uuid], self.until[uuid]

    @rule(uuid=uuids)
    def goodbye(self, uuid: str) -> None:
        self.registry.goodbye(uuid)
        if math.isinf(self.until.get(uuid, 0.0)):
            self.done.add(uuid)

    @rule(uuid=uuids)
    def hang_up(self, uuid: str) -> None:
        self.expire()
        self.registry.sweep(self.now_s)
        if self.registry.hang_up(uuid) is not None:
            self.done.add(uuid)
        if uuid in self.held and not math.isinf(self.until[uuid]):
            del self.held[uuid], self.until[uuid]

    @rule(passed_s=st.floats(0.0, 15.0))
    def time_passes(self, passed_s: float) -> None:
        self.now_s += passed_s

    @precondition(lambda self: self.now_s > 20)
    @rule()
    def drain(self) -> None:
        self.registry.drain()
        self.draining = True

    @invariant()
    def slots_are_neither_shared_nor_lost(self) -> None:
        self.expire()
        self.registry.sweep(self.now_s)
        assert {call.info.uuid: call.slot for call in self.registry.present} == self.held
        assert len(set(self.held.values())) == len(self.held) <= self.slots


TestRegistry = RegistryMachine.TestCase


def come_back(two: CallRegistry, again: CallInfo) -> CallInfo:
    """A call breaks off and comes again."""
    two.reserve(CallInfo("a", "7", "100", variables={"name": "Ann"}), 0.0)
    two.connect("a", 0.0)
    two.finish("a")
    return two.reserve(again, 1.0).info


@pytest.mark.parametrize(
    ("again", "kept"),
    [
        (CallInfo("a", leg=1), CallInfo("a", "7", "100", leg=1, variables={"name": "Ann"})),
        (CallInfo("a", "7", "100"), CallInfo("a", "7", "100", variables={"name": "Ann"})),
        (
            CallInfo("a", "8", variables={"name": "Bob"}),
            CallInfo("a", "8", "100", variables={"name": "Bob"}),
        ),
    ],
)
def test_a_call_that_comes_back_keeps_what_it_came_with(
    two: CallRegistry, again: CallInfo, kept: CallInfo
) -> None:
    assert come_back(two, again) == kept


def test_a_reservation_that_is_renewed_keeps_what_it_came_with(two: CallRegistry) -> None:
    first = CallInfo("a", "7", "100", variables={"name": "Ann"})
    two.reserve(first, 0.0)
    assert two.reserve(CallInfo("a"), 1.0).info == first


def test_a_new_call_with_an_old_uuid_keeps_nothing(two: CallRegistry) -> None:
    two.reserve(CallInfo("a", "7", variables={"name": "Ann"}), 0.0)
    two.connect("a", 0.0)
    two.goodbye("a")
    two.finish("a")
    assert two.reserve(CallInfo("a"), 1.0).info == CallInfo("a")
