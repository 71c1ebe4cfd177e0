"""A whole pod on real sockets: how calls come in and end, and how the pod goes when it has to."""

import asyncio
import json
import time
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from pod_on_sockets import LONG, ONE, SHORT, TWO, manifest, no_recognizer, running

from media_pod.manifest.reload import pod_key
from media_pod.transport.audiosocket.frames import FrameKind

__all__ = ["no_recognizer"]
pytestmark = pytest.mark.usefixtures("no_recognizer")


async def test_a_call_from_its_reservation_to_the_bot_s_goodbye() -> None:
    async with running(manifest(SHORT)) as pod:
        assert await pod.get("/readyz") == (200, "ok")
        assert await pod.active_calls() == 0
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        assert await pod.active_calls() == 1

        frames = await asterisk.hears_the_end()

        assert {(frame.kind, len(frame.payload)) for frame in frames} == {(FrameKind.SLIN, 320)}
        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "done")
        await pod.until_free()
        await pod.until_counted("bot")


async def test_a_caller_is_sent_on_to_another_place_of_the_dialplan() -> None:
    script: list[dict[str, Any]] = [{"say": "Hello.", "pauseMs": 0}, {"transfer": "desk"}]
    telephony = {"transfers": [{"name": "desk", "goto": "phones,200,1"}]}
    async with running(manifest(script, telephony=telephony)) as pod:
        asterisk = await pod.call(ONE)

        await asterisk.hears_the_end()

        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "goto phones,200,1")


async def test_pods_that_know_each_other_share_calls_and_what_becomes_of_them() -> None:
    async with running(manifest(SHORT, capacity={"calls": 1})) as first:
        assert await first.active_calls() == 0
        peers = {"peers": [f"localhost:{first.addresses.http_port}"]}
        async with running(manifest(SHORT, capacity={"calls": 1}, server=peers)) as second:
            asterisk = await first.call(ONE)
            await asterisk.hears_the_end()
            assert await second.get("/api/call-next", uuid=str(ONE)) == (200, "done")
            assert await second.active_calls() == 0

            await second.reserve(TWO)
            three = str(UUID(int=TWO.int + 1))
            port = first.addresses.audio_port
            assert await second.get("/api/call-start", uuid=three) == (200, f"127.0.0.1:{port}")
            assert await first.active_calls() == 1


async def test_a_reservation_expires_and_its_slot_is_free_again() -> None:
    ahead_s = 0.0
    agent = manifest(LONG, capacity={"calls": 1, "reservationSeconds": 60})
    async with running(agent, now=lambda: time.monotonic() + ahead_s) as pod:
        await pod.reserve(ONE)
        assert (await pod.get("/api/call-start", uuid=str(TWO)))[0] == 503
        ahead_s = 61.0

        await pod.reserve(TWO)

        assert await (await pod.connect(ONE)).hears_the_end() == []
        second = await pod.connect(TWO)
        await second.hears_the_bot()
        second.sock.close()


async def test_a_full_pod_says_when_to_try_again() -> None:
    async with running(manifest(LONG, capacity={"calls": 1})) as pod:
        first = await pod.call(ONE)
        await first.hears_the_bot()

        status, body = await pod.get("/api/call-start", uuid=str(TWO))

        assert (status, pod.headers["Content-Type"].split(";")[0]) == (
            503,
            "application/problem+json",
        )
        assert int(pod.headers["Retry-After"]) > 0
        assert "1 slots are taken" in body
        assert await pod.get("/readyz") == (200, "ok")
        first.sock.close()


async def test_a_call_that_the_dialplan_ends_is_the_caller_s_doing() -> None:
    async with running(manifest(LONG)) as pod:
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()

        assert (await pod.get("/api/call-end", uuid=str(ONE), cause="16"))[0] == 200

        await asterisk.hears_the_end()
        await pod.until_free()
        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "done")
        await pod.until_counted("caller")


async def test_a_draining_pod_keeps_its_calls_and_then_ends_by_itself() -> None:
    stop = asyncio.Event()
    async with running(manifest([*SHORT, *SHORT])) as pod:
        run = asyncio.create_task(pod.pod.run(stop))
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        stop.set()
        await asterisk.hears_the_bot()

        status, body = await pod.get("/readyz")
        assert (status, "draining" in body) == (503, True)
        assert await pod.get("/livez") == (200, "ok")
        assert (await pod.get("/api/call-start", uuid=str(TWO)))[0] == 503

        await asterisk.hears_the_end()
        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "done")
        async with asyncio.timeout(5):
            await run


async def test_a_draining_pod_waits_for_a_call_that_was_promised_a_slot() -> None:
    stop = asyncio.Event()
    async with running(manifest(SHORT)) as pod:
        run = asyncio.create_task(pod.pod.run(stop))
        await pod.reserve(ONE)
        stop.set()
        while (await pod.get("/readyz"))[0] == 200:
            pass
        asterisk = await pod.connect(ONE)

        assert await asterisk.hears_the_end()
        async with asyncio.timeout(5):
            await run


async def test_an_idle_pod_drains_at_once() -> None:
    stop = asyncio.Event()
    stop.set()
    async with running(manifest(SHORT)) as pod, asyncio.timeout(1):
        await pod.pod.run(stop)


async def test_who_is_still_there_when_the_drain_s_time_is_over_hears_why() -> None:
    stop = asyncio.Event()
    async with running(manifest(LONG, drain={"timeoutSeconds": 0})) as pod:
        run = asyncio.create_task(pod.pod.run(stop))
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        stop.set()

        frames = await asterisk.hears_the_end()

        last_words = np.concatenate([np.frombuffer(f.payload, "<i2") for f in frames])
        assert 1.0 < np.count_nonzero(last_words) / 8000 < 5.0
        async with asyncio.timeout(5):
            await run


async def test_a_hook_that_waits_and_the_signal_after_it_share_one_deadline() -> None:
    ahead_s, stop = 0.0, asyncio.Event()
    agent = manifest(LONG, drain={"timeoutSeconds": 600})
    async with running(agent, now=lambda: time.monotonic() + ahead_s) as pod:
        run = asyncio.create_task(pod.pod.run(stop))
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        hook = asyncio.create_task(pod.get("/api/drain", wait="1"))
        while (await pod.get("/readyz"))[0] == 200:
            pass
        assert await pod.get("/livez") == (200, "ok")
        ahead_s = 500.0
        stop.set()
        await asterisk.hears_the_bot()
        assert not hook.done()
        ahead_s = 601.0

        await asterisk.hears_the_end()

        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "done")
        assert await hook == (200, '{"draining": true, "calls": 0}')
        async with asyncio.timeout(5):
            await run


async def test_a_hook_whose_calls_are_over_leaves_nothing_for_the_signal_to_wait_for() -> None:
    stop = asyncio.Event()
    stop.set()
    async with running(manifest(SHORT)) as pod:
        asterisk = await pod.call(ONE)
        hook = asyncio.create_task(pod.get("/api/drain", wait="1"))
        await asterisk.hears_the_end()
        assert (await hook)[0] == 200
        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "done")
        async with asyncio.timeout(1):
            await pod.pod.run(stop)


async def test_a_pod_that_is_stopped_at_once_keeps_no_hook_waiting() -> None:
    async with running(manifest(LONG)) as pod:
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        hook = asyncio.create_task(pod.get("/api/drain", wait="1"))
        while (await pod.get("/readyz"))[0] == 200:
            pass
        end = asyncio.create_task(asterisk.hears_the_end())
        await pod.pod.aclose()
        assert (await hook)[0] == 200
        await end


async def test_a_changed_manifest_is_for_new_calls_and_running_ones_keep_theirs() -> None:
    tone = [{"say": "One two three four five six seven eight nine ten. " * 3, "pauseMs": 0}]
    async with running(manifest(tone)) as pod:
        before = await pod.call(ONE)
        await before.hears_the_bot()

        await pod.pod.manifest.reload(manifest(SHORT))

        after = await pod.call(TWO)
        short, rest = len(await after.hears_the_end()), len(await before.hears_the_end())
        assert rest > 2 * short
        shown = json.loads((await pod.get("/api/calls"))[1])["manifest"]
        assert shown == {"key": pod_key(manifest(SHORT).spec), "reloads": 1, "problem": ""}


async def test_closing_ends_running_calls_with_a_hang_up() -> None:
    async with running(manifest(LONG)) as pod:
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        end = asyncio.create_task(asterisk.hears_the_end())
    await end
