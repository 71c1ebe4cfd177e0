"""A recorded pod's process, from outside."""

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
import yaml
from prometheus_client.parser import text_string_to_metric_families

from media_pod.errors import SetupError
from media_pod.manifest.agent import VoiceAgent
from media_pod.pod.pod import Addresses
from media_pod.pod.runtime import ONE_THREAD

START_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 20.0
_METRICS_DEADLINE_S: Final = 5.0
_LATE_TICKS: Final = "interject_late_ticks"


class PodProcess:
    """A pod that runs.

    Args:
        process: the pod's.
        addresses: where it listens.
    """

    def __init__(self, process: asyncio.subprocess.Process, addresses: Addresses) -> None:
        self._process = process
        self.addresses = addresses
        self.killed = False

    @property
    def api(self) -> str:
        """URL of its HTTP API."""
        return f"http://127.0.0.1:{self.addresses.http_port}"

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def terminate(self) -> None:
        """SIGTERM: it drains, and ends by itself."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL: as if the machine had lost it. Nothing of its calls is kept."""
        self.killed = True
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def pod_process(
    agent: VoiceAgent, folder: Path, log: Path, *, arrangement: str = "interject"
) -> AsyncIterator[PodProcess]:
    """Start a pod of `agent`, give it, and stop it afterwards, if nobody has killed it.

    Args:
        agent: on ports of its own, and without paths in it.
        folder: takes its manifest and, when it has stopped, its recordings.
        log: takes what it logs.
        arrangement: whose bank it has, of `lab.compared.ARRANGEMENTS`.

    Raises:
        SetupError: it did not start, or did not stop by itself.
    """
    manifest = folder / "agent.yaml"
    manifest.write_text(yaml.safe_dump(agent.model_dump(mode="json", exclude_none=True)))
    program = (sys.executable, "-m", "interject_lab.recorder.server")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(*program, str(manifest), arrangement, str(folder)),
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env={**os.environ, **ONE_THREAD},
        )
        try:
            pod = PodProcess(process, await _addresses(process, log))
            yield pod
            if not pod.killed:
                pod.terminate()
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
