"""CPU cost of a whole pod per tick: a pod on one core, its phones on another, over real TCP."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from media_pod.errors import SetupError
from media_pod.pod.runtime import ONE_THREAD

SIZES: Final = (1, 16, 64, 128)
WARM_UP_S: Final = 5.0
SECTION: Final = "interject bench tick"
START_DEADLINE_S: Final = 60.0
_SLACK_S: Final = 60.0
"""Beyond warm-up and measurement: to synthesize speech, to connect, to end."""
_HEADER: Final = (
    "calls",
    "core",
    "waited for it",
    "us per call and tick",
    "tick CPU ms p50 / p99 / max",
    "tick late by ms p50 / p99 / max",
    "late ticks",
    "frame interval off by ms p50 / p99",
    "gaps",
    "RSS MB",
)


@dataclass(frozen=True, slots=True)
class Cores:
    """The processor of each side."""

    pod: int
    phones: int


def cores() -> Cores:
    """Two of the processors that this process may use.

    Raises:
        SetupError: there is only one, or the system has no CPU affinity.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise SetupError("the bench pins processes to cores, which needs Linux")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise SetupError("the bench needs two cores, one for the pod and one for its phones")
    return Cores(pod=allowed[0], phones=allowed[-1])


async def bench(
    sizes: Sequence[int],
    warm_up_s: float,
    seconds: float,
    on_step: Callable[[str], None],
    *,
    scrape: bool = False,
) -> list[dict[str, Any]]:
    """Measure each number of calls in new processes, one after the other.

    Args:
        scrape: read the pod's metrics and its list of calls meanwhile (`scraper.py`).

    Raises:
        SetupError: fewer than two cores, or a process failed.
    """
    chosen = cores()
    found = []
    for calls in sizes:
        on_step(f"{calls} calls: {warm_up_s:g} s to warm up, {seconds:g} s")
        found.append(await _one_size(chosen, calls, warm_up_s, seconds, scrape=scrape))
    return found


def as_json(seconds: float, sizes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The stable form; keys have their units."""
    rounded = [
        {
            key: {stage: round(us, 2) for stage, us in value.items()}
            if isinstance(value, dict)
            else round(value, 3)
            for key, value in size.items()
        }
        for size in sizes
    ]
    return {"cpu": cpu_model(), "duration_s": seconds, "sizes": rounded}


def as_tables(sizes: Sequence[dict[str, Any]]) -> list[tuple[Sequence[str], list[list[str]]]]:
    """Two tables, header and rows each: every number of calls, and the time of every stage."""
    rows = [_row(size) for size in sizes]
    stages = list(sizes[-1]["stages_us_per_call_and_tick"])
    stages.sort(key=lambda stage: -sizes[-1]["stages_us_per_call_and_tick"][stage])
    shares = [
        [str(size["calls"])]
        + [f"{size['stages_us_per_call_and_tick'].get(stage, 0.0):.1f}" for stage in stages]
        for size in sizes
    ]
    return [(_HEADER, rows), (["us per call and tick, calls", *stages], shares)]


def cpu_model() -> str:
    """The processor's model name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def _row(size: dict[str, Any]) -> list[str]:
    ticks_ms = [f"{size[f'tick_cpu_{which}_ms']:.1f}" for which in ("p50", "p99", "max")]
    off_ms = [f"{size[f'frame_interval_deviation_{which}_ms']:.2f}" for which in ("p50", "p99")]
    return [
        str(size["calls"]),
        f"{size['core_share_percent']:.0f} %",
        f"{size['core_waited_for_percent']:.0f} %",
        f"{size['cpu_us_per_call_and_tick']:.0f}",
        " / ".join(ticks_ms),
        " / ".join(f"{size[f'tick_late_{which}_ms']:.1f}" for which in ("p50", "p99", "max")),
        f"{size['late_ticks']} of {size['ticks'] + size['late_ticks']}",
        " / ".join(off_ms),
        str(size["frame_gaps"]),
        f"{size['rss_mb']:.0f}",
    ]


async def _one_size(
    chosen: Cores, calls: int, warm_up_s: float, seconds: float, *, scrape: bool
) -> dict[str, Any]:
    from_s, until_s = warm_up_s, warm_up_s + seconds
    # Both prepare their speech at the same time; the phones wait for the port on standard input.
    pod = await start("pod", calls, warm_up_s, seconds, chosen.pod)
    phones = await start("phones", calls, from_s, until_s, chosen.phones)
    started = [pod, phones]
    try:
        ports = await line(pod, "pod", START_DEADLINE_S)
        assert phones.stdin is not None, "its input is a pipe"
        phones.stdin.write(f"{ports['port']}\n".encode())
        if scrape:
            started.append(await start("scraper", ports["http_port"], chosen.phones))
        in_time_s = until_s + _SLACK_S
        measured = await line(pod, "pod", in_time_s)
        regularity = await line(phones, "phones", in_time_s)
        if measured["calls_at_end"] != calls or not regularity["frames"]:
            raise SetupError(
                f"the bench ended with {measured['calls_at_end']} of {calls} calls, "
                f"{regularity['frames']} frames: this machine is too busy for it"
            )
        return measured | regularity
    finally:
        for process in started:
            await end(process)


async def start(module: str, *arguments: float) -> asyncio.subprocess.Process:
    """A process of the bench: a module of this package, which talks JSON lines."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"interject_lab.bench.{module}", *map(str, arguments)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **ONE_THREAD},
    )


async def line(process: asyncio.subprocess.Process, name: str, deadline_s: float) -> dict[str, Any]:
    """The next line that `process` prints.

    Raises:
        SetupError: it ended, or printed nothing in time.
    """
    assert process.stdout is not None, "its output is a pipe"
    line = b""
    try:
        async with asyncio.timeout(deadline_s):
            line = await process.stdout.readline()
    except TimeoutError:
        raise SetupError(f"the bench's {name} printed nothing for {deadline_s:g} s") from None
    if not line:
        raise SetupError(f"the bench's {name} failed; its output is above")
    found: dict[str, Any] = json.loads(line)
    return found


async def end(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that has printed its result, kill one that has not."""
    assert process.stdin is not None, "its input is a pipe"
    process.stdin.close()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
