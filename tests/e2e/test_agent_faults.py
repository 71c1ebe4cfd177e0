"""Faults of a language model and of its tools: no line is ever dead, and no other call notices."""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from agent_pod import GOODBYE, GREETING, pod_of
from aiohttp import web
from aiohttp.test_utils import TestServer
from faulty_model import (
    APOLOGY,
    DEADLINE_S,
    FAULTS,
    LONG_KEYS,
    WELL,
    WELL_KEYS,
    faulty_tools,
    model_process,
    seen,
)
from keypad_caller import CallEvents, KeypadCaller, keypad_call
from pod_on_sockets import ONE, TWO, Running, no_recognizer

from real_time.retry import again_if_stalled
from real_time.verdict import TRIES

__all__ = ["no_recognizer"]
pytestmark = pytest.mark.usefixtures("no_recognizer")

AT_A_TIME = 6
SILENCE_S = 2 * DEADLINE_S + 1.0
"""A request and its second try, or the wait for a filler; the rest is for the voice, and for a busy
machine."""


def sockets() -> int:
    gc.collect()
    links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    return sum("socket" in os.readlink(link) for link in links if os.path.islink(link))


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Of the pod and of the event loop."""
    bad = [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR]
    return [r.getMessage() for r in bad if not r.name.startswith("aiohttp")]


@pytest.mark.slow
@pytest.mark.timeout(TRIES * 40)
def test_a_fault_costs_one_turn_of_that_call(caplog: pytest.LogCaptureFixture) -> None:
    again_if_stalled(lambda: asyncio.run(_meet_all_faults(caplog)))


async def _meet_all_faults(caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    async with model_process() as url:
        before = sockets()
        async with pod_of(url, faulty_tools(url)) as (pod, events):
            async with keypad_call(pod, ONE, events) as other:
                await other.hears(GREETING)
                await other.press(f"{LONG_KEYS}#")
                await other.hears_speech(SILENCE_S)

                few = asyncio.Semaphore(AT_A_TIME)
                await asyncio.gather(
                    *(meet(pod, events, few, number) for number in range(len(FAULTS)))
                )

                await other.press(f"{WELL_KEYS}#")
                cut = await other.hears_text(lambda text: "We go on" in text, "the long reply")
                assert APOLOGY not in cut
                await other.hears(WELL)
            await pod.until_free()
        assert tracebacks(caplog) == []
        assert sockets() <= before
        asked = await seen(url)
    assert asked["requests"][LONG_KEYS] == 1
    results = {
        fault.name: asked["results"].get(f"{number:02}", "") for number, fault in enumerate(FAULTS)
    }
    for fault in FAULTS:
        assert fault.result in results[fault.name], fault.name


async def meet(pod: Running, events: CallEvents, few: asyncio.Semaphore, number: int) -> None:
    """A call that meets `FAULTS[number]` in its first turn, and a sound model in its second."""
    fault, uuid = FAULTS[number], UUID(int=TWO.int + number)
    async with few, keypad_call(pod, uuid, events) as caller:
        await caller.hears(GREETING)
        await caller.press(f"{number:02}#")
        try:
            await caller.hears_speech(SILENCE_S)
            if fault.hears:
                await caller.hears(fault.hears)
            await caller.press(f"{WELL_KEYS}#")
            await caller.hears(WELL)
        except AssertionError as error:
            raise AssertionError(f"{fault.name}: {error}") from error
        assert events.failures.get(uuid, set()) == {fault.failure} - {""}, fault.name


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def plain_http() -> AsyncIterator[str]:
    """URL of a server without TLS."""
    server = TestServer(web.Application())
    await server.start_server()
    try:
        yield str(server.make_url(""))
    finally:
        await server.close()


@pytest.mark.parametrize("what", ["refused", "no such host", "no TLS"])
async def test_a_server_that_cannot_be_reached_costs_an_apology_and_then_the_call(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with plain_http() as url:
        unreachable = {
            "refused": f"http://127.0.0.1:{closed_port()}",
            "no such host": "http://model.invalid",
            "no TLS": url.replace("http:", "https:").rstrip("/"),
        }[what]
        async with pod_of(unreachable) as (pod, events):
            async with keypad_call(pod, ONE, events) as caller:
                await caller.hears(GREETING)
                await is_told(caller, APOLOGY)
                await is_told(caller, GOODBYE)
                async with asyncio.timeout(SILENCE_S):
                    await caller.hung_up.wait()
            await pod.until_free()
    assert tracebacks(caplog) == []


async def is_told(caller: KeypadCaller, text: str) -> None:
    await caller.press("1#")
    await caller.hears_speech(SILENCE_S)
    await caller.hears(text)
