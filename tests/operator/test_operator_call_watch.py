"""From what the pods answer to deletion cost, status and conditions, on a cluster in memory."""

import pytest
from memory_cluster import condition, refusing
from reconciler_rig import KEY, Rig, apply, roll_out, start_pod

from voiceagent_operator.agents import names
from voiceagent_operator.kube.kinds import POD, VOICE_AGENT
from voiceagent_operator.reconcile.call_watch import WRITE_S, CallWatch

SLOTS = 5


class Watched(Rig):
    """Two pods of an agent, polled by hand, with a clock that is set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.watch = CallWatch(self.api, self.reconciler, self.pods.ask, lambda: self.now_s)

    async def start(self) -> tuple[str, str]:
        apply(self.cluster, replicas=2, capacity={"calls": SLOTS})
        await self.reconciler.reconcile(KEY)
        addresses = start_pod(self.cluster, 1), start_pod(self.cluster, 2)
        roll_out(self.cluster, ready=2)
        await self.reconciler.reconcile(KEY)
        return addresses

    async def ask(self, after_s: float = WRITE_S) -> None:
        """One poll, and the reconcile that its writes on pods cause."""
        self.now_s += after_s
        await self.watch.poll_all()
        await self.reconciler.reconcile(KEY)

    def cost(self, number: int) -> tuple[str | None, str | None]:
        annotations = self._annotations(number)
        return annotations.get(names.DELETION_COST), annotations.get(names.SAFE_TO_EVICT)

    def may_go(self, number: int) -> tuple[str | None, str | None]:
        """What tells the Cluster Autoscaler and Karpenter whether they may evict a pod."""
        annotations = self._annotations(number)
        return annotations.get(names.SAFE_TO_EVICT), annotations.get(names.DO_NOT_DISRUPT)

    def _annotations(self, number: int) -> dict[str, str]:
        head = self.cluster.get(POD, "calls", f"reception-{number}")["metadata"]
        annotations: dict[str, str] = head.get("annotations", {})
        return annotations

    @property
    def capacity(self) -> tuple[str, str]:
        return condition(self.agent, "CapacityAvailable")[:2]


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_calls_reach_the_deletion_cost_and_their_sum_the_status(watched: Watched) -> None:
    one, two = await watched.start()
    assert watched.capacity == ("Unknown", "NotAsked")
    watched.pods.calls = {one: 3, two: 0}
    await watched.ask()
    assert (watched.cost(1), watched.cost(2)) == (("3", "false"), ("0", "true"))
    assert watched.agent["status"]["activeCalls"] == 3


LEFT_ALONE = ("false", "true")
MAY_GO = ("true", None)


@pytest.mark.parametrize(
    ("eviction", "busy", "idle"),
    [
        ("afterCalls", LEFT_ALONE, MAY_GO),
        ("never", LEFT_ALONE, LEFT_ALONE),
        ("always", MAY_GO, MAY_GO),
    ],
)
async def test_node_autoscalers_leave_pods_alone_as_the_eviction_policy_says(
    watched: Watched,
    eviction: str,
    busy: tuple[str | None, str | None],
    idle: tuple[str | None, str | None],
) -> None:
    one, two = await watched.start()
    watched.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"eviction": eviction}})
    await watched.reconciler.reconcile(KEY)
    watched.pods.calls = {one: 1, two: 0}
    await watched.ask()
    assert (watched.may_go(1), watched.may_go(2)) == (busy, idle)
    watched.pods.calls = {one: 0, two: 1}
    await watched.ask()
    assert (watched.may_go(1), watched.may_go(2)) == (idle, busy)


async def test_a_changed_eviction_policy_reaches_running_pods(watched: Watched) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: 1, two: 0}
    await watched.ask()
    watched.cluster.edit(VOICE_AGENT, *KEY, {"spec": {"eviction": "never"}})
    await watched.reconciler.reconcile(KEY)
    await watched.ask()
    assert (watched.may_go(1), watched.may_go(2)) == (LEFT_ALONE, LEFT_ALONE)


async def test_capacity_ends_with_the_last_slot_of_the_ready_pods_and_comes_back(
    watched: Watched,
) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: SLOTS, two: SLOTS - 1}
    await watched.ask()
    assert watched.capacity == ("True", "RoomLeft")
    watched.pods.calls[two] = SLOTS
    await watched.ask()
    assert watched.capacity == ("False", "Full")
    watched.pods.calls[one] = 0
    await watched.ask()
    assert watched.capacity == ("True", "RoomLeft")
    roll_out(watched.cluster, ready=0)
    await watched.reconciler.reconcile(KEY)
    assert watched.capacity == ("False", "NoPodReady")


async def test_the_calls_of_draining_pods_take_no_slot_of_new_pods(watched: Watched) -> None:
    """A rollout: the old pods drain, full of calls, and two new ones are empty."""
    old = await watched.start()
    watched.pods.calls = dict.fromkeys(old, SLOTS)
    await watched.ask()
    assert watched.capacity == ("False", "Full")
    for number in (1, 2):
        going = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
        watched.cluster.edit(POD, "calls", f"reception-{number}", going)
    new = start_pod(watched.cluster, 3), start_pod(watched.cluster, 4)
    watched.pods.calls |= dict.fromkeys(new, 0)
    await watched.reconciler.reconcile(KEY)
    await watched.ask()
    assert watched.capacity == ("True", "RoomLeft")
    assert watched.agent["status"]["activeCalls"] == 2 * SLOTS
    watched.pods.calls |= dict.fromkeys(new, SLOTS)
    await watched.ask()
    assert watched.capacity == ("False", "Full")


async def test_a_pod_that_is_not_ready_takes_no_slot_of_the_others(watched: Watched) -> None:
    """Such as one that was told to drain by hand, and still has its calls."""
    one, two = await watched.start()
    watched.pods.calls = {one: SLOTS, two: 1}
    conditions = [{"type": "Ready", "status": "False"}]
    watched.cluster.edit(POD, "calls", "reception-1", {"status": {"conditions": conditions}})
    roll_out(watched.cluster, ready=1)
    await watched.reconciler.reconcile(KEY)
    await watched.ask()
    assert watched.capacity == ("True", "RoomLeft")
    assert watched.agent["status"]["activeCalls"] == SLOTS + 1


async def test_capacity_follows_a_pod_that_goes_before_the_next_poll(watched: Watched) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: SLOTS, two: SLOTS}
    await watched.ask()
    watched.cluster.delete(POD, "calls", "reception-1")
    start_pod(watched.cluster, 3)
    await watched.reconciler.reconcile(KEY)
    assert watched.capacity == ("True", "RoomLeft")


async def test_a_pod_that_does_not_answer_keeps_its_cost(watched: Watched) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: 2, two: 4}
    await watched.ask()
    del watched.pods.calls[two]
    watched.pods.calls[one] = 1
    await watched.ask()
    assert (watched.cost(1)[0], watched.cost(2)[0]) == ("1", "4")


async def test_the_calls_of_a_draining_pod_count_until_it_is_gone(watched: Watched) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: 2, two: 4}
    going = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    watched.cluster.edit(POD, "calls", "reception-2", going)
    await watched.reconciler.reconcile(KEY)
    await watched.ask()
    assert watched.agent["status"]["activeCalls"] == 6
    watched.cluster.delete(POD, "calls", "reception-2")
    await watched.reconciler.reconcile(KEY)
    await watched.ask()
    assert watched.agent["status"]["activeCalls"] == 2


async def test_a_busy_pod_is_written_at_most_every_ten_seconds(watched: Watched) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: 1, two: 0}
    await watched.ask()
    watched.cluster.writes.clear()
    for calls in (2, 3, 4):
        watched.pods.calls[one] = calls
        await watched.ask(after_s=WRITE_S / 4)
    assert watched.cluster.writes == []
    await watched.ask(after_s=WRITE_S / 4)
    assert watched.cost(1)[0] == "4"
    assert watched.agent["status"]["activeCalls"] == 4


async def test_equal_counts_are_not_written_again(watched: Watched) -> None:
    one, two = await watched.start()
    watched.pods.calls = {one: 1, two: 0}
    await watched.ask()
    watched.cluster.writes.clear()
    await watched.ask()
    assert watched.cluster.writes == []


async def test_one_agents_refusal_does_not_reach_the_next_agent(watched: Watched) -> None:
    one, two = await watched.start()
    apply(watched.cluster, "second", replicas=1)
    await watched.reconciler.reconcile(("calls", "second"))
    body = POD.head("calls", "second-1")
    body["metadata"]["labels"] = {names.AGENT: "second"}
    body |= {"spec": {"containers": []}, "status": {"phase": "Running", "podIP": "10.0.0.9"}}
    watched.cluster.create(POD, body)
    await watched.reconciler.reconcile(("calls", "second"))
    watched.pods.calls = {one: 1, two: 1, "10.0.0.9:1650": 2}
    watched.cluster.fault = refusing(500, "etcd is away", "PATCH", "/pods/reception")
    await watched.ask()
    second = watched.cluster.get(VOICE_AGENT, "calls", "second")
    assert second["status"]["activeCalls"] == 2
