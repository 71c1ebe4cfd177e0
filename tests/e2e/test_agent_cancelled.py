"""A reply that nobody hears any more costs nothing: the model's stream is closed at once."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import endless_model
import pytest
from agent_pod import GREETING, pod_of
from endless_model import TokenStream, closed_streams
from faulty_model import model_process
from keypad_caller import CallEvents, KeypadCaller, keypad_call
from pod_on_sockets import ONE, Running, no_recognizer

from asterisk.measured import spread

__all__ = ["no_recognizer"]
pytestmark = pytest.mark.usefixtures("no_recognizer")

SPEECH_S = 5.0
TIMES = 20


@asynccontextmanager
async def endless_pod() -> AsyncIterator[tuple[str, Running, CallEvents]]:
    async with model_process(Path(endless_model.__file__)) as url:
        async with pod_of(url) as (pod, events):
            yield url, pod, events


@asynccontextmanager
async def answered_call(pod: Running, events: CallEvents) -> AsyncIterator[KeypadCaller]:
    """A call in the middle of the bot's answer."""
    async with keypad_call(pod, ONE, events) as caller:
        await caller.hears(GREETING)
        await caller.press("1#")
        await caller.hears_speech(SPEECH_S)
        yield caller
    await pod.until_free()


async def test_an_interrupted_reply_is_closed_and_the_call_goes_on() -> None:
    async with endless_pod() as (url, pod, events):
        async with answered_call(pod, events) as caller:
            await caller.press("2")
            (stream,) = await closed_streams(url, 1)
            await caller.press("#")
            await caller.hears_speech(SPEECH_S)
            caller.hang_up()
            before, _ = await closed_streams(url, 2)
            assert before == stream


async def test_the_reply_of_a_caller_who_hangs_up_is_closed() -> None:
    async with endless_pod() as (url, pod, events), answered_call(pod, events) as caller:
        caller.hang_up()
        await closed_streams(url, 1)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_how_soon_the_stream_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    figures: list[tuple[float, int]] = []
    async with endless_pod() as (url, pod, events):
        for number in range(1, 2 * TIMES + 1):
            async with answered_call(pod, events) as caller:
                since_ns = time.monotonic_ns()
                if number <= TIMES:
                    await caller.press("2")
                else:
                    caller.hang_up()
                figures.append(after(since_ns, (await closed_streams(url, number))[-1]))
    with capsys.disabled():
        for cause, some in (("a key", figures[:TIMES]), ("a hang-up", figures[TIMES:])):
            tokens = [number for _, number in some]
            took = spread([ms for ms, _ in some])
            sys.stdout.write(
                f"\nfrom {cause} until the model sees its stream closed, p50 / p95 / max: {took}; "
                f"tokens written meanwhile, at 100 a second: {sum(tokens)} in all, at most "
                f"{max(tokens)}\n"
            )


def after(since_ns: int, stream: TokenStream) -> tuple[float, int]:
    """ms until the stream was closed, and the tokens that were written in that time."""
    late = sum(written_ns > since_ns for written_ns in stream.written_ns)
    return (stream.closed_ns - since_ns) / 1e6, late
