"""A pod's end: one deadline, whoever asked first, and nobody who waits past it."""

import asyncio

import pytest

from media_pod.calls.drain import LAST_WORDS_S, Leaving, State
from media_pod.calls.registry import Admission, Ended
from media_pod.dialogues.ports import CallInfo

TIMEOUT_S = 900.0
CALL = CallInfo("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


class Pod:
    """A pod of one call, whose time is set by hand."""

    def __init__(self) -> None:
        self.now_s = 5000.0
        self.goodbyes = 0
        self.admission = Admission(1, reservation_s=10.0)
        self.begun = 0
        self.leaving = Leaving(
            self.admission, self._begin, self._say_goodbye, TIMEOUT_S, lambda: self.now_s
        )

    def _begin(self) -> None:
        self.begun += 1

    def _say_goodbye(self) -> None:
        self.goodbyes += 1

    def call(self) -> None:
        self.admission.reserve(CALL, self.now_s)
        self.admission.connect(CALL.uuid, self.now_s)

    def end_call(self) -> None:
        self.admission.finish(CALL.uuid, Ended.BOT)
        self.leaving.call_ended()

    def after(self, seconds: float) -> State:
        """The state so long after 5000 s, once the pod has looked."""
        self.now_s = 5000.0 + seconds
        self.leaving.look()
        return self.leaving.state

    def waiter(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.leaving.over())


@pytest.fixture
def pod() -> Pod:
    return Pod()


async def run() -> None:
    """Let every task go on until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_states_follow_from_the_time_since_the_first_request(pod: Pod) -> None:
    pod.call()
    assert pod.after(0) is State.SERVING
    pod.leaving.begin()
    assert pod.admission.draining
    assert pod.after(TIMEOUT_S - 1) is State.DRAINING
    pod.leaving.begin()
    assert pod.goodbyes == 0
    assert pod.after(TIMEOUT_S) is State.PARTING
    assert pod.goodbyes == 1
    pod.leaving.begin()
    assert pod.after(TIMEOUT_S + LAST_WORDS_S) is State.GONE


def test_a_call_that_comes_back_while_the_others_part_is_told_too(pod: Pod) -> None:
    pod.call()
    pod.leaving.begin()
    pod.admission.finish(CALL.uuid, Ended.OTHER)
    pod.after(TIMEOUT_S)
    before = pod.goodbyes
    pod.call()
    pod.after(TIMEOUT_S + 1)
    assert pod.goodbyes > before


async def test_all_who_wait_go_on_when_the_last_call_is_over(pod: Pod) -> None:
    pod.call()
    pod.leaving.begin()
    waiters = [pod.waiter(), pod.waiter()]
    await run()
    pod.after(TIMEOUT_S - 1)
    await run()
    assert not any(waiter.done() for waiter in waiters)
    pod.end_call()
    pod.after(TIMEOUT_S)
    await asyncio.gather(*waiters)


async def test_nobody_waits_longer_than_for_the_last_words(pod: Pod) -> None:
    pod.call()
    pod.leaving.begin()
    waiter = pod.waiter()
    await run()
    pod.after(TIMEOUT_S + LAST_WORDS_S - 1)
    await run()
    assert not waiter.done()
    pod.after(TIMEOUT_S + LAST_WORDS_S)
    await waiter
    await pod.leaving.over()


async def test_a_waiter_who_goes_away_does_not_disturb_the_others(pod: Pod) -> None:
    pod.call()
    pod.leaving.begin()
    gone, stays = pod.waiter(), pod.waiter()
    await run()
    gone.cancel()
    pod.leaving.look()
    await run()
    assert gone.cancelled()
    pod.end_call()
    pod.after(TIMEOUT_S)
    await stays


async def test_a_pod_that_is_closed_lets_nobody_wait(pod: Pod) -> None:
    pod.call()
    pod.leaving.begin()
    waiter = pod.waiter()
    await run()
    pod.leaving.close()
    await waiter
