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

from media_pod.errors import SetupError
from media_pod.pod import Addresses

START_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 20.0
_LOG: Final = "server.log"


@asynccontextmanager
async def pod_process(arrangement: str, folder: Path) -> AsyncIterator[Addresses]:
    """Start the pod of `arrangement`, give its ports, and stop it afterwards.

    Its log and its recording go to `folder`.

    Raises:
        SetupError: it did not start, or did not stop by itself.
    """
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with (folder / _LOG).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "media_pod.demo.server", arrangement, str(folder)),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, **one_thread},
        )
        try:
            yield await _addresses(process, folder)
            process.send_signal(signal.SIGTERM)
            await _stopped(process, folder)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _addresses(process: asyncio.subprocess.Process, folder: Path) -> Addresses:
    assert process.stdout is not None, "its output is a pipe"
    line = b""
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            line = await process.stdout.readline()
    except TimeoutError:
        pass
    if not line:
        raise SetupError(f"a pod did not start within {START_DEADLINE_S:g} s; see {folder / _LOG}")
    return Addresses(**json.loads(line))


async def _stopped(process: asyncio.subprocess.Process, folder: Path) -> None:
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            code = await process.wait()
    except TimeoutError:
        raise SetupError(
            f"a pod did not stop within {STOP_DEADLINE_S:g} s; see {folder / _LOG}"
        ) from None
    if code != 0:
        raise SetupError(f"a pod ended with exit code {code}; see {folder / _LOG}")
