"""A pod process of the demonstration, from outside."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from media_pod.errors import SetupError
from media_pod.one_thread import ONE_THREAD
from media_pod.pod import Addresses

START_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 20.0
_METRICS_DEADLINE_S: Final = 5.0
_LATE_TICKS: Final = "interject_late_ticks"


@asynccontextmanager
async def pod_process(arrangement: str, folder: Path, log: Path) -> AsyncIterator[Addresses]:
    """Start the pod of `arrangement`, give its ports, and stop it afterwards.

    Its recording goes to `folder`, what it logs to `log`.

    Raises:
        SetupError: it did not start, or did not stop by itself.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "media_pod.demo.server", arrangement, str(folder)),
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env={**os.environ, **ONE_THREAD},
        )
        try:
            yield await _addresses(process, log)
            process.send_signal(signal.SIGTERM)
            await _stopped(process, log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def late_ticks(api: str) -> int:
    """How many ticks the pod with the HTTP API at `api` has skipped so far, being late."""
    timeout = aiohttp.ClientTimeout(total=_METRICS_DEADLINE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with session.get(f"{api}/metrics") as response:
            page = await response.text()
    families = text_string_to_metric_families(page)
    counts = [family.samples for family in families if family.name == _LATE_TICKS]
    return sum(int(s.value) for samples in counts for s in samples if s.name.endswith("_total"))


async def _addresses(process: asyncio.subprocess.Process, log: Path) -> Addresses:
    assert process.stdout is not None, "its output is a pipe"
    line = b""
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            line = await process.stdout.readline()
    except TimeoutError:
        pass
    if not line:
        raise SetupError(f"a pod did not start; {log} says why")
    return Addresses(**json.loads(line))


async def _stopped(process: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            code = await process.wait()
    except TimeoutError:
        raise SetupError(f"a pod did not stop within {STOP_DEADLINE_S:g} s; see {log}") from None
    if code != 0:
        raise SetupError(f"a pod ended with exit code {code}; see {log}")
