"""Worker processes: a pool of stand-ins, and everything that can go wrong with them."""

import asyncio
import io
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from media_pod.errors import InterjectError, SetupError
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.worker_child import (
    HEADER,
    MAX_PAYLOAD_BYTES,
    NICENESS,
    WorkerMessage,
    decode_fields,
    decode_sizes,
    serve,
)
from media_pod.providers.worker_pool import MAX_WAITING, WorkerPool
from media_pod.providers.worker_process import STDERR_BYTES, WorkerCommand

STAND_IN = "tests.providers.worker_stand_in"


@asynccontextmanager
async def pool(
    processes: int = 1,
    at_start: str = "",
    start_s: float = 20,
    now: Callable[[], float] = time.monotonic,
) -> AsyncIterator[WorkerPool]:
    command = WorkerCommand("stand-in", "voice", STAND_IN, {"at_start": at_start}, start_s)
    workers = WorkerPool(command, processes, now)
    try:
        yield workers
    finally:
        await workers.aclose()


async def ask(workers: WorkerPool, do: str = "", deadline_s: float = 20) -> WorkerMessage:
    return await workers.request(WorkerMessage({"do": do}, b"pcm"), deadline_s, "3 bytes")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


async def test_a_request_is_answered_by_a_nicer_process_with_one_thread() -> None:
    async with pool() as workers:
        answer = await ask(workers)
        assert answer.payload == b"pcm"
        assert answer.fields["niceness"] == min(19, os.nice(0) + NICENESS)
        assert answer.fields["threads"] == "1"
        assert workers.pids == [answer.fields["pid"]]
        assert (await ask(workers)).fields["pid"] == answer.fields["pid"]


def test_it_works_on_the_event_loop_of_the_pod() -> None:
    async def main() -> None:
        async with pool() as workers:
            payload = bytes(range(256)) * 8192
            answer = await workers.request(WorkerMessage({}, payload), 20, "2 MiB")
            assert answer.payload == payload
            with pytest.raises(ProviderError, match=r"died \(exit code 139\)"):
                await ask(workers, "die")
            await ask(workers)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def test_requests_run_side_by_side_up_to_the_number_of_processes(tmp_path: Path) -> None:
    async with pool(processes=2) as workers:
        await workers.start()
        door = tmp_path / "door"
        message = WorkerMessage({"do": "wait for file", "path": str(door)})
        waiting = [asyncio.create_task(workers.request(message, 20, "a")) for _ in range(2)]
        await until(lambda: not workers.has_idle)
        with pytest.raises(ProviderError, match=r"no answer within 0\.01 s.*2 process.*busy") as e:
            await ask(workers, deadline_s=0.01)
        assert e.value.kind is FailureKind.TIMEOUT
        door.touch()
        assert {(await task).fields["pid"] for task in waiting} == set(workers.pids)


async def test_a_request_that_could_not_be_answered_in_time_fails_at_once(tmp_path: Path) -> None:
    """A caller then hears the fallback's answer, or an apology, and not 8 s of silence before."""
    times = iter([0.0, 3.0])
    async with pool(now=lambda: next(times, 3.0)) as workers:
        await ask(workers)  # took 3 s
        door = tmp_path / "door"
        message = WorkerMessage({"do": "wait for file", "path": str(door)})
        waiting = [asyncio.create_task(workers.request(message, 20, "a")) for _ in range(2)]
        await until(lambda: workers.waiting == 1)

        with pytest.raises(
            ProviderError, match=r"1 process.*busy.*1 request.*9 s.*within 8 s"
        ) as e:
            await ask(workers, deadline_s=8)

        assert e.value.kind is FailureKind.RATE_LIMITED
        assert e.value.retry_wait_s is None
        door.touch()
        await asyncio.gather(*waiting)
        assert workers.waiting == 0
        await ask(workers, deadline_s=8)


async def test_no_more_requests_wait_than_a_bound(tmp_path: Path) -> None:
    async with pool(now=lambda: 0.0) as workers:
        await workers.start()
        door = tmp_path / "door"
        message = WorkerMessage({"do": "wait for file", "path": str(door)})
        requests = [workers.request(message, 20, "a") for _ in range(MAX_WAITING + 2)]
        tasks = [asyncio.create_task(request) for request in requests]
        await until(lambda: tasks[-1].done())
        assert isinstance(tasks[-1].exception(), ProviderError)
        door.touch()
        await asyncio.gather(*tasks[:-1])


@pytest.mark.parametrize(
    ("at_start", "error", "message"),
    [
        ("die", ProviderError, r"voice process died \(exit code 3\); .*the model is cursed"),
        ("hang", ProviderError, r"stand-in: the voice process has not loaded after 0\.3 s"),
        ("setup error", SetupError, "no model in /models$"),
        ("error", ProviderError, "voice process does not load: RuntimeError: out of memory"),
    ],
)
async def test_a_process_that_does_not_start_says_why(
    at_start: str, error: type[InterjectError], message: str
) -> None:
    async with pool(at_start=at_start, start_s=0.3 if at_start == "hang" else 20) as workers:
        with pytest.raises(error, match=message):
            await workers.start()
        assert workers.pids == []
        with pytest.raises(ProviderError, match=message):
            await ask(workers)


@pytest.mark.parametrize(
    ("do", "message", "kind"),
    [
        ("die", r"died \(exit code 139\).*Segmentation fault", FailureKind.INTERNAL),
        ("send half", r"died \(exit code 0\)", FailureKind.INTERNAL),
        ("send garbage", "no valid answer: a frame of .*'Loading", FailureKind.BAD_ANSWER),
        ("send invalid fields", r"no valid answer: fields b'\[\]'", FailureKind.BAD_ANSWER),
    ],
)
async def test_a_process_that_fails_in_a_request_is_replaced(
    do: str, message: str, kind: FailureKind
) -> None:
    async with pool() as workers:
        await workers.start()
        (pid,) = workers.pids
        with pytest.raises(ProviderError, match=message) as raised:
            await ask(workers, do)
        assert raised.value.kind is kind
        assert not is_alive(pid)
        await until(lambda: workers.has_idle)  # the replacement does not wait for a request
        (successor,) = workers.pids
        assert successor != pid
        assert (await ask(workers)).fields["pid"] == successor


async def test_a_process_that_is_killed_is_replaced_and_the_signal_named() -> None:
    async with pool() as workers:
        await workers.start()
        waiting = asyncio.create_task(ask(workers, "hang"))
        await until(lambda: not workers.has_idle)
        os.kill(workers.pids[0], signal.SIGKILL)
        with pytest.raises(ProviderError, match=r"the voice process died \(SIGKILL\)"):
            await waiting
        await ask(workers)


async def test_an_error_of_the_model_costs_no_process() -> None:
    async with pool() as workers:
        await workers.start()
        pids = workers.pids
        with pytest.raises(ProviderError, match="failed: ValueError: the input is empty"):
            await ask(workers, "raise")
        assert (await ask(workers)).fields["pid"] == pids[0]


async def test_a_late_process_is_dead_when_the_error_is_raised_and_is_replaced() -> None:
    async with pool() as workers:
        await workers.start()
        (pid,) = workers.pids
        with pytest.raises(ProviderError, match=r"no answer within 0\.05 s to 3 bytes$") as raised:
            await ask(workers, "hang", deadline_s=0.05)
        assert raised.value.kind is FailureKind.TIMEOUT
        assert not is_alive(pid)
        assert (await ask(workers)).fields["pid"] != pid


async def test_a_cancelled_request_that_hangs_costs_its_process() -> None:
    async with pool() as workers:
        await workers.start()
        (pid,) = workers.pids
        waiting = asyncio.create_task(ask(workers, "hang"))
        await until(lambda: not workers.has_idle)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await ask(workers)).fields["pid"] != pid
        assert not is_alive(pid)


async def test_a_cancelled_request_that_ends_soon_keeps_its_process(tmp_path: Path) -> None:
    async with pool() as workers:
        await workers.start()
        pids = workers.pids
        door = tmp_path / "door"
        message = WorkerMessage({"do": "wait for file", "path": str(door)}, b"answer to nobody")
        waiting = asyncio.create_task(workers.request(message, 20, "a"))
        await until(lambda: not workers.has_idle)
        door.touch()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        answer = await ask(workers)
        assert answer.payload == b"pcm"
        assert [answer.fields["pid"]] == pids


async def test_what_libraries_print_is_no_answer() -> None:
    async with pool() as workers:
        assert (await ask(workers, "print")).payload == b"pcm"


async def test_a_flood_of_standard_error_neither_blocks_nor_fills_the_memory() -> None:
    async with pool() as workers:
        assert (await ask(workers, "flood")).payload == b"pcm"
        with pytest.raises(ProviderError) as raised:
            await ask(workers, "die")
        assert len(str(raised.value)) < STDERR_BYTES


async def test_closed_it_fails_what_runs_and_what_waits_and_leaves_no_process() -> None:
    async with pool() as workers:
        await workers.start()
        (pid,) = workers.pids
        tasks = [asyncio.create_task(ask(workers, "hang")) for _ in range(3)]
        await until(lambda: not workers.has_idle)
        await workers.aclose()
        for task in tasks:
            with pytest.raises(ProviderError, match="stand-in: the voice is closed"):
                await task
        assert not is_alive(pid)


async def test_closed_while_it_starts_it_leaves_no_process() -> None:
    async with pool(at_start="hang") as workers:
        waiting = asyncio.create_task(ask(workers))
        await until(lambda: workers.pids != [])
        (pid,) = workers.pids
        await workers.aclose()
        with pytest.raises(ProviderError, match="closed"):
            await waiting
        assert not is_alive(pid)


PARENT = f"""
import asyncio
from media_pod.providers.worker_child import WorkerMessage
from media_pod.providers.worker_pool import WorkerPool
from media_pod.providers.worker_process import WorkerCommand

async def main():
    workers = WorkerPool(WorkerCommand("stand-in", "voice", {STAND_IN!r}), 2)
    await workers.start()
    print(*workers.pids, flush=True)
    await workers.request(WorkerMessage({{"do": "hang"}}), 60, "")

asyncio.run(main())
"""


async def test_processes_end_with_a_parent_that_is_killed_idle_or_not() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=PIPE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert [is_alive(pid) for pid in pids] == [True, True]
    parent.kill()
    await parent.wait()
    await until(lambda: not any(is_alive(pid) for pid in pids))


@given(
    st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9)),
    st.binary(),
    st.data(),
)
def test_a_frame_is_read_as_it_was_written_and_nothing_of_a_cut_one(
    fields: dict[str, int | str], payload: bytes, data: st.DataObject
) -> None:
    message = WorkerMessage(fields, payload)
    frame = message.encode()
    fields_size, payload_size = decode_sizes(frame[: HEADER.size])
    assert len(frame) == HEADER.size + fields_size + payload_size
    assert decode_fields(frame[HEADER.size : HEADER.size + fields_size]) == fields
    cut = data.draw(st.integers(0, len(frame) - 1))
    answers = io.BytesIO()
    seen: list[WorkerMessage] = []

    def handle(request: WorkerMessage) -> WorkerMessage:
        seen.append(request)
        return request

    serve(lambda settings: handle, {}, io.BytesIO(frame + frame[:cut]), answers)
    assert seen == [message]
    assert answers.getvalue() == WorkerMessage({"ready": True}).encode() + frame


def test_a_frame_above_the_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at most"):
        decode_sizes(HEADER.pack(2, MAX_PAYLOAD_BYTES + 1))
