"""Which key is processed when."""

import asyncio

import pytest

from voiceagent_operator.leader.work_queue import MOST_PAUSE_S, WorkQueue

SPACING_S = 1.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue[str]:
    return WorkQueue(clock, SPACING_S)


async def due(queue: WorkQueue[str]) -> list[str]:
    """The keys that are due now."""
    found: list[str] = []
    while True:
        taking = asyncio.ensure_future(queue.take())
        for _ in range(3):
            await asyncio.sleep(0)
        if not taking.done():
            taking.cancel()
            return found
        found.append(taking.result())


async def test_a_key_that_waits_is_taken_once(queue: WorkQueue[str]) -> None:
    for key in ("a", "b", "a", "a"):
        queue.add(key)
    assert await due(queue) == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_that_changes_meanwhile_is_taken_again(
    queue: WorkQueue[str], clock: Clock
) -> None:
    queue.add("a")
    assert await due(queue) == ["a"]
    queue.add("a")
    queue.add("a")
    assert await due(queue) == []
    queue.done("a")
    clock.now_s += SPACING_S
    assert await due(queue) == ["a"]


async def test_a_burst_is_one_reconcile(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add("a")
    assert await due(queue) == ["a"]
    queue.done("a")
    queue.add("a")
    assert await due(queue) == []
    clock.now_s += SPACING_S
    queue.add("a")
    assert await due(queue) == ["a"]


async def test_a_failed_key_comes_again_after_pauses_that_grow(
    queue: WorkQueue[str], clock: Clock
) -> None:
    queue.add("a")
    pauses = []
    for _ in range(12):
        began = clock.now_s
        while not (taken := await due(queue)):
            clock.now_s += 0.5
        assert taken == ["a"]
        pauses.append(clock.now_s - began)
        queue.failed("a")
    assert pauses == sorted(pauses)
    assert pauses[-1] == MOST_PAUSE_S


async def test_a_peer_may_ask_for_a_longer_pause(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add("a")
    await due(queue)
    queue.failed("a", retry_after_s=30.0)
    clock.now_s += 29.0
    assert await due(queue) == []
    clock.now_s += 1.0
    assert await due(queue) == ["a"]


async def test_success_forgets_failures(queue: WorkQueue[str], clock: Clock) -> None:
    for _ in range(6):
        queue.add("a")
        clock.now_s += MOST_PAUSE_S
        assert await due(queue) == ["a"]
        queue.failed("a")
    clock.now_s += MOST_PAUSE_S
    assert await due(queue) == ["a"]
    queue.done("a", again_after_s=2.0)
    clock.now_s += 2.0
    assert await due(queue) == ["a"]


async def test_asking_sooner_wins(queue: WorkQueue[str], clock: Clock) -> None:
    queue.add("a", after_s=50.0)
    queue.add("a")
    assert await due(queue) == ["a"]
    queue.done("a")
    clock.now_s += 50.0
    assert await due(queue) == []


async def test_a_taker_wakes_when_something_is_added(queue: WorkQueue[str]) -> None:
    taking = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    queue.add("a")
    assert await taking == "a"
