"""Long answers are made between the ticks: a slice at a time, whatever their length."""

import asyncio
from collections.abc import Iterator

from media_pod.pod.http.slices import SLICE_S, in_slices
from pod.http_doubles import Dial, FakePod, dial, pod

__all__ = ["dial", "pod"]


class Clock:
    """Time that passes while parts are made."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s

    def parts(self, *each_s: float) -> Iterator[int]:
        for number, part_s in enumerate(each_s):
            self.now_s += part_s
            yield number


async def turns_while_made(*each_s: float) -> tuple[list[int], list[int]]:
    """The parts, and how many of them were there each time the event loop could do other work."""
    clock, made, seen = Clock(), 0, list[int]()

    def parts() -> Iterator[int]:
        nonlocal made
        for part in clock.parts(*each_s):
            made += 1
            yield part

    making = asyncio.create_task(in_slices(parts(), clock))
    while not making.done():
        await asyncio.sleep(0)
        seen.append(made)
    return await making, seen


async def test_the_event_loop_runs_after_every_slice() -> None:
    made, seen = await turns_while_made(*[SLICE_S * 0.6] * 6)
    assert made == list(range(6))
    assert seen[:3] == [2, 4, 6]


async def test_one_long_part_is_a_slice_and_short_ones_share_one() -> None:
    assert (await turns_while_made(3 * SLICE_S, 3 * SLICE_S))[1][:2] == [1, 2]
    assert (await turns_while_made(*[SLICE_S / 100] * 20))[1][0] == 20


async def test_nothing_to_make_is_made_at_once() -> None:
    assert await in_slices(iter(()), Clock()) == []


async def test_metrics_can_be_asked_for_by_name(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    response = await client.get("/metrics?name[]=interject_active_calls&name[]=other")
    assert response.status == 200
    assert pod.asked_for == [("interject_active_calls", "other")]
