"""A drain over HTTP: who is answered when, and what a pod says of itself meanwhile."""

import asyncio

import pytest

from pod.http_doubles import A, Dial, FakePod, dial, pod, problem

__all__ = ["dial", "pod"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api/drain", "/api/drain?wait=0"])
async def test_a_full_pod_is_ready_and_a_draining_one_is_not(
    dial: Dial, pod: FakePod, method: str, path: str
) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    assert (await client.get("/readyz")).status == 200
    response = await client.request(method, path)
    assert response.status == 202
    assert await response.json() == {"draining": True, "calls": 1}
    assert await problem(await client.get("/readyz"), 503) == "draining"
    assert (await client.get("/livez")).status == 200
    assert (await (await client.get("/api/calls")).json())["draining"] is True


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_whoever_waits_for_the_drain_is_answered_when_no_call_is_left(
    dial: Dial, pod: FakePod, method: str
) -> None:
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}")
    waiting = asyncio.create_task(client.request(method, "/api/drain?wait=1"))
    while not pod.draining:
        await asyncio.sleep(0)
    assert await problem(await client.get("/readyz"), 503) == "draining"
    assert not waiting.done()
    pod.registry.hang_up(A)
    pod.last_call_is_over.set()
    response = await waiting
    assert (response.status, await response.json()) == (200, {"draining": True, "calls": 0})


async def test_a_drain_is_not_begun_by_a_mistake(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    detail = await problem(await client.get("/api/drain?wait=yes"), 400)
    assert detail == "wait: found 'yes'; give 1, or leave it out"
    assert (await client.head("/api/drain")).status == 405
    assert not pod.draining
