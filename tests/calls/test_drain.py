"""Drain: one deadline from the first request on, and no wait that goes past it."""

import asyncio

import pytest

from media_pod.calls.drain import LAST_WORDS_S, Drain, DrainState
from media_pod.calls.registry import CallRegistry
from media_pod.dialogues.ports import CallInfo

TIMEOUT_S = 900.0
CALL = CallInfo("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


class Pod:
    """A pod of one call, whose time is set by hand."""

    def __init__(self) -> None:
        self.now_s = 5000.0
        self.goodbyes = 0
        self.registry = CallRegistry(1, reservation_s=10.0)
        self.begun = 0
        self.drain = Drain(
            self.registry, self._begin, self._say_goodbye, TIMEOUT_S, lambda: self.now_s
        )

    def _begin(self) -> None:
        self.begun += 1

    def _say_goodbye(self) -> None:
        self.goodbyes += 1

    def call(self) -> None:
        self.registry.reserve(CALL, self.now_s)
        self.registry.connect(CALL.uuid, self.now_s)

    def end_call(self) -> None:
        self.registry.goodbye(CALL.uuid)
        self.registry.finish(CALL.uuid)
        self.drain.call_ended()

    def after(self, seconds: float) -> DrainState:
        """The state so long after 5000 s, once the pod has checked."""
        self.now_s = 5000.0 + seconds
        self.drain.check()
        return self.drain.state

    def waiter(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.drain.finished())


@pytest.fixture
def pod() -> Pod:
    return Pod()


async def run() -> None:
    """Let every task go on until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_states_follow_from_the_time_since_the_first_request(pod: Pod) -> None:
    pod.call()
    assert pod.after(0) is DrainState.SERVING
    pod.drain.start()
    assert pod.registry.draining
    assert pod.after(TIMEOUT_S - 1) is DrainState.DRAINING
    pod.drain.start()
    assert pod.goodbyes == 0
    assert pod.after(TIMEOUT_S) is DrainState.GOODBYE
    assert pod.goodbyes == 1
    pod.drain.start()
    assert pod.after(TIMEOUT_S + LAST_WORDS_S) is DrainState.EXPIRED


def test_a_call_that_comes_back_while_the_others_end_says_goodbye_too(pod: Pod) -> None:
    pod.call()
    pod.drain.start()
    pod.registry.finish(CALL.uuid)
    pod.after(TIMEOUT_S)
    before = pod.goodbyes
    pod.call()
    pod.after(TIMEOUT_S + 1)
    assert pod.goodbyes > before


async def test_all_who_wait_go_on_when_the_last_call_is_over(pod: Pod) -> None:
    pod.call()
    pod.drain.start()
    waiters = [pod.waiter(), pod.waiter()]
    await run()
    pod.after(TIMEOUT_S - 1)
    await run()
    assert not any(waiter.done() for waiter in waiters)
    pod.end_call()
    pod.after(TIMEOUT_S)
    await asyncio.gather(*waiters)


async def test_no_wait_is_longer_than_the_last_words(pod: Pod) -> None:
    pod.call()
    pod.drain.start()
    waiter = pod.waiter()
    await run()
    pod.after(TIMEOUT_S + LAST_WORDS_S - 1)
    await run()
    assert not waiter.done()
    pod.after(TIMEOUT_S + LAST_WORDS_S)
    await waiter
    await pod.drain.finished()


async def test_a_waiter_who_goes_away_does_not_disturb_the_others(pod: Pod) -> None:
    pod.call()
    pod.drain.start()
    gone, stays = pod.waiter(), pod.waiter()
    await run()
    gone.cancel()
    pod.drain.check()
    await run()
    assert gone.cancelled()
    pod.end_call()
    pod.after(TIMEOUT_S)
    await stays


async def test_a_pod_that_is_closed_ends_every_wait(pod: Pod) -> None:
    pod.call()
    pod.drain.start()
    waiter = pod.waiter()
    await run()
    pod.drain.close()
    await waiter
